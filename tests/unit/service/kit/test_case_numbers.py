import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kit import case_numbers


def test_a_number_names_its_kind_and_is_never_the_same() -> None:
    numbers = {case_numbers.new_case_number("T") for _ in range(200)}
    assert len(numbers) == 200
    assert all(re.fullmatch(r"T(-[0-9A-HJKMNP-TV-Z]{4}){4}", number) for number in numbers)


def test_a_pin_is_kept_as_a_salted_hash() -> None:
    pin = case_numbers.new_pin()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", pin)
    salt, hashed = case_numbers.hash_pin(pin)
    assert (len(salt), len(hashed)) == (16, 32)
    assert case_numbers.verify_pin(pin, salt, hashed)
    assert not case_numbers.verify_pin("0" * 7, salt, hashed)
    other_salt, other = case_numbers.hash_pin(pin)
    assert other_salt != salt
    assert other != hashed


@pytest.mark.parametrize("typed", ["7q2m-okxa-9f3c", "7Q2M 0KXA 9F3C", "7Q2M0KXA9F3C", "7Q2M-OKXA-9F3C"])
def test_a_pin_may_be_typed_as_people_type(typed: str) -> None:
    salt, hashed = case_numbers.hash_pin("7Q2M-0KXA-9F3C")
    assert case_numbers.verify_pin(typed, salt, hashed)
    assert not case_numbers.verify_pin(typed[:-1], salt, hashed)
    assert not case_numbers.is_short_pin(typed)


def test_pins_of_the_first_version_are_still_verified() -> None:
    """Hashed as that version did."""
    salt = bytes(range(16))
    hashed = hashlib.scrypt(b"01234567", salt=salt, n=1 << 14, r=8, p=1, dklen=32)
    assert case_numbers.verify_pin("01234567", salt, hashed)
    assert not case_numbers.verify_pin("01234568", salt, hashed)
    assert case_numbers.is_short_pin("01234567")


@given(st.binary(min_size=10, max_size=32))
def test_a_number_from_a_digest_has_the_form_of_any_other(digest: bytes) -> None:
    number = case_numbers.case_number("P", digest)
    assert re.fullmatch(r"P(-[0-9A-HJKMNP-TV-Z]{4}){4}", number)
    assert (number == case_numbers.case_number("P", bytes(32))) == (digest[:10] == bytes(10))
