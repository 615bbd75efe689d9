import re

import pytest

from service.access.key_text import ID_LENGTH, PATTERN, checksum, fresh_key, is_mistyped, key_id


def test_a_scanner_finds_a_key_in_a_text_and_its_checksum_confirms_it() -> None:
    key = fresh_key()
    (found,) = re.findall(PATTERN, f'api_key = "{key}"  # cm_{"a" * 48} is too short')
    assert found == key
    assert not is_mistyped(key)


def test_the_checksum_is_that_of_github() -> None:
    """CRC-32 of the random part in base 62 with digits first; the value is a published example of GitHub's format."""
    assert checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"


@pytest.mark.parametrize("place", [3, 11, 30, 46, 51])
def test_one_wrong_letter_is_noticed(place: int) -> None:
    key = fresh_key()
    other = "0" if key[place] != "0" else "1"
    assert is_mistyped(key[:place] + other + key[place + 1 :])


def test_what_is_no_new_key_has_no_checksum() -> None:
    for text in ("", "cm_", f"cm_{'-_Az09' * 7}x", fresh_key()[:-1], f"{fresh_key()}0"):
        assert not is_mistyped(text)


def test_an_id_is_how_a_key_begins() -> None:
    key = fresh_key()
    assert (key_id(key), len(key_id(key))) == (key[:11], ID_LENGTH)
    assert key_id("cm_\0") == ""
