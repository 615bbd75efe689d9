import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509

from service.keys.development_pki import FILE, development_pki, roots, rotate
from service.kit.errors import Misconfigured
from watermark.c2pa.pki import Pki, make_development_pki

NOW = dt.datetime.now(dt.UTC)


def leaf(pki: Pki) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.chain)


def test_it_is_made_once(tmp_path: Path) -> None:
    made = development_pki(tmp_path, NOW)
    assert development_pki(tmp_path, NOW) == made
    assert roots(tmp_path) == made.root
    assert (leaf(made).not_valid_after_utc - leaf(made).not_valid_before_utc).days == 365


def test_its_leaf_is_renewed_a_month_before_it_expires(tmp_path: Path) -> None:
    made = development_pki(tmp_path, NOW)
    assert development_pki(tmp_path, NOW + dt.timedelta(days=330)) == made
    new = development_pki(tmp_path, NOW + dt.timedelta(days=340))
    assert (new.root, new.issuing_key) == (made.root, made.issuing_key)
    assert leaf(new) != leaf(made)


def test_one_of_version_0_1_is_replaced_and_its_root_stays(tmp_path: Path) -> None:
    """It kept no key to renew the leaf with, and the leaf was valid for ten years."""
    old = make_development_pki()
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(old.key + old.chain + old.root)
    path.chmod(0o600)
    assert development_pki(tmp_path, NOW).key == old.key
    new = development_pki(tmp_path, NOW + dt.timedelta(days=350))
    assert new.root != old.root
    assert roots(tmp_path) == new.root + old.root


def test_a_rotation_replaces_everything_and_may_forget_the_old(tmp_path: Path) -> None:
    first = development_pki(tmp_path, NOW)
    second = rotate(tmp_path)
    assert development_pki(tmp_path, NOW) == second
    assert roots(tmp_path) == second.root + first.root
    third = rotate(tmp_path)
    assert roots(tmp_path) == third.root + second.root + first.root
    fourth = rotate(tmp_path, distrust_old=True)
    assert roots(tmp_path) == fourth.root


def test_its_files_are_private(tmp_path: Path) -> None:
    development_pki(tmp_path, NOW)
    rotate(tmp_path)
    for path in (tmp_path / "keys").glob("development*.pem"):
        assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    development_pki(tmp_path, NOW)
    (tmp_path / FILE).write_bytes(b"garbage")
    with pytest.raises(Misconfigured, match="remove it"):
        development_pki(tmp_path, NOW)
