import re

import pytest

from service.keys import signing
from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import hash_pin, new_case_number, new_pin, verify_pin
from service.kit.errors import Misconfigured
from service.kit.settings import Settings

FIELDS = {"statement": "It shows me.", "contact": "jane@example.org"}
VAULT = Vault(b"k" * 32)


def test_what_is_sealed_can_be_opened_and_not_read() -> None:
    sealed = VAULT.seal(FIELDS, "T-1")
    assert VAULT.open(sealed, "T-1") == FIELDS
    assert b"jane" not in sealed.box + sealed.wrapped_key
    again = VAULT.reseal(sealed, {"a": "b"}, "T-1")
    assert again.wrapped_key == sealed.wrapped_key
    assert VAULT.open(again, "T-1") == {"a": "b"}


def test_every_record_has_its_own_key() -> None:
    one, two = VAULT.seal(FIELDS, "T-1"), VAULT.seal(FIELDS, "T-1")
    with pytest.raises(Misconfigured):
        VAULT.open(Sealed(one.wrapped_key, two.box), "T-1")


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("damage", ["another row", "box", "key", "short", "another vault"])
def test_what_does_not_belong_does_not_open(damage: str) -> None:
    sealed = VAULT.seal(FIELDS, "T-1")
    vault, label = VAULT, "T-1"
    if damage == "another row":
        label = "T-2"
    elif damage == "box":
        sealed = Sealed(sealed.wrapped_key, flipped(sealed.box))
    elif damage == "key":
        sealed = Sealed(flipped(sealed.wrapped_key), sealed.box)
    elif damage == "short":
        sealed = Sealed(sealed.wrapped_key, b"x")
    else:
        vault = Vault(b"o" * 32)
    with pytest.raises(Misconfigured, match="cannot be decrypted"):
        vault.open(sealed, label)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(Misconfigured, match="32"):
        Vault(b"short")


def test_the_homes_key_survives_a_restart(settings: Settings) -> None:
    sealed = signing.vault(settings).seal(FIELDS, "T-1")
    assert signing.vault(settings).open(sealed, "T-1") == FIELDS
    assert oct((settings.home / "keys" / "vault.key").stat().st_mode & 0o777) == "0o600"


def test_references_and_pins() -> None:
    assert len({new_case_number("T") for _ in range(100)}) == 100
    assert len(new_case_number("T")) == 21
    pin = new_pin()
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", pin)
    salt, hashed = hash_pin("01234567")
    assert verify_pin("01234567", salt, hashed)
    assert not verify_pin("01234568", salt, hashed)
    assert not verify_pin("", salt, hashed)
    assert hash_pin("01234567")[1] != hashed


def test_a_new_key_wraps_the_same_records_key() -> None:
    old, new = b"k" * 32, b"n" * 32
    sealed, both = VAULT.seal(FIELDS, "T-1"), Vault(lambda: (new, old))
    assert both.open(sealed, "T-1") == FIELDS
    wrapped = both.rewrap(sealed.wrapped_key, "T-1")
    assert wrapped
    assert Vault(new).open(Sealed(wrapped, sealed.box), "T-1") == FIELDS
    assert both.rewrap(wrapped, "T-1") is None
    for key, label in ((sealed.wrapped_key, "T-2"), (flipped(sealed.wrapped_key), "T-1")):
        with pytest.raises(Misconfigured, match="cannot be decrypted"):
            both.rewrap(key, label)


def test_parts_of_a_record_have_one_key_and_none_passes_for_another() -> None:
    key = VAULT.new_key("J-1")
    box = VAULT.lock_part(key, "J-1", "a", b"text")
    assert VAULT.unlock_part(key, "J-1", "a", box) == b"text"
    both = Vault(lambda: (b"n" * 32, b"k" * 32))
    renewed = both.rewrap(key, "J-1")
    assert renewed is not None
    assert Vault(b"n" * 32).unlock_part(renewed, "J-1", "a", box) == b"text"
    for wrapped, label, part, data in (
        (key, "J-1", "b", box),
        (key, "J-2", "a", box),
        (VAULT.new_key("J-1"), "J-1", "a", box),
        (key, "J-1", "a", flipped(box)),
    ):
        with pytest.raises(Misconfigured):
            VAULT.unlock_part(wrapped, label, part, data)
