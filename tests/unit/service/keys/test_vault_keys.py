"""The file of the vault's keys."""

from pathlib import Path

import pytest

from service.keys.vault import Vault, key_id
from service.keys.vault_keys import VAULT_FILE, VaultKeys
from service.kit.errors import Misconfigured


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    keys = VaultKeys(tmp_path)
    assert keys.current() == VaultKeys(tmp_path).current()
    assert [len(each) for each in keys.current()] == [32]
    assert (tmp_path / VAULT_FILE).stat().st_mode & 0o777 == 0o600


def test_a_new_key_is_seen_by_who_read_the_old_one(tmp_path: Path) -> None:
    running, rotating = VaultKeys(tmp_path), VaultKeys(tmp_path)
    vault, (old,) = Vault(running.current), tuple(running.current())
    before = vault.seal({"a": "b"}, "T-1")
    rotating.add()
    new, kept = running.current()
    assert (kept, new == old) == (old, False)
    after = vault.seal({"c": "d"}, "T-1")
    assert Vault(new).open(after, "T-1") == {"c": "d"}
    assert vault.open(before, "T-1") == {"a": "b"}
    rotating.drop_old()
    assert tuple(running.current()) == (new,)
    with pytest.raises(Misconfigured, match="cannot be decrypted"):
        vault.open(before, "T-1")
    assert (tmp_path / VAULT_FILE).stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_disappears_is_not_made_again(tmp_path: Path) -> None:
    keys = VaultKeys(tmp_path)
    known = keys.current()
    (tmp_path / VAULT_FILE).unlink()
    assert keys.current() == known
    assert not (tmp_path / VAULT_FILE).exists()


@pytest.mark.parametrize("size", [0, 31, 33, 96])
def test_another_length_is_refused(tmp_path: Path, size: int) -> None:
    VaultKeys(tmp_path).current()
    (tmp_path / VAULT_FILE).write_bytes(bytes(size))
    with pytest.raises(Misconfigured, match=f"{size} bytes"):
        VaultKeys(tmp_path).current()


def test_an_id_tells_keys_apart() -> None:
    assert key_id(b"a" * 32) == key_id(b"a" * 32) != key_id(b"b" * 32)
    assert len(key_id(b"a" * 32)) == 16
