import hashlib
from pathlib import Path

import pytest

from tests.assets import provenance
from watermark.c2pa.trust import CLAIM_EKUS, TSA_EKUS, TrustListError, load

ENTRY = '[[list]]\nname = "lab-2026"\nkind = "manifest"\nfile = "lab.pem"\nsha256 = "{sha256}"\ndate = 2026-08-01\n'


@pytest.fixture
def entry(tmp_path: Path) -> str:
    """A valid entry; its file is in the folder."""
    pem = b"# a comment\n" + provenance.lab().pem
    (tmp_path / "lab.pem").write_bytes(pem)
    return ENTRY.format(sha256=hashlib.sha256(pem).hexdigest())


def loaded(folder: Path, text: str) -> object:
    (folder / "trust.toml").write_text(text)
    return load(folder / "trust.toml")


def test_a_list(tmp_path: Path, entry: str) -> None:
    (tmp_path / "trust.toml").write_text(
        entry + "frozen = true\n" + entry.replace("lab-2026", "tsa").replace('"manifest"', '"tsa"')
    )
    lab, tsa = load(tmp_path / "trust.toml")
    assert (lab.name, lab.kind, lab.frozen, str(lab.date), lab.ekus) == (
        "lab-2026",
        "manifest",
        True,
        "2026-08-01",
        CLAIM_EKUS,
    )
    assert (tsa.kind, tsa.frozen, tsa.ekus) == ("tsa", False, TSA_EKUS)
    assert b"comment" not in lab.pem  # only certificates reach the SDK
    assert len(lab.certificates()) == 1


def test_leaves_and_usages(tmp_path: Path, entry: str) -> None:
    (tmp_path / "leaves.pem").write_bytes(provenance.stranger().pem)
    (tmp_path / "trust.toml").write_text(entry + 'allowed_leaves = "leaves.pem"\nekus = ["1.3.6.1.5.5.7.3.4"]\n')
    (found,) = load(tmp_path / "trust.toml")
    assert found.allowed_leaves == provenance.stranger().pem
    assert found.ekus == ("1.3.6.1.5.5.7.3.4",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[list]]", "[list]", "must contain nothing but"),
        ("[[list]]", "x = 1\n[[list]]", "must contain nothing but"),
        ("[[list]]", "[[", "not valid TOML"),
        ("lab-2026", "Lab 2026", "no valid name"),
        ('"manifest"', '"claim"', "use manifest, tsa or cawg"),
        ("lab.pem", "gone.pem", "cannot be read"),
        ("lab.pem", "trust.toml", "does not contain PEM certificates"),
        ('sha256 = "', 'sha256 = "0', "does not have the SHA-256"),
        ("date = 2026-08-01", "", "has no date"),
        ("date = ", "frozen = 1\ndate = ", "frozen must be"),
        ("date = ", 'eku = "1.2.3"\ndate = ', "unknown fields: eku"),
        ("date = ", 'ekus = "1.2.3,1.2.4"\ndate = ', "must be a list of OIDs"),
        ("date = ", 'ekus = ["emailProtection"]\ndate = ', "must be a list of OIDs"),
        ("date = ", 'allowed_leaves = "gone"\ndate = ', "cannot be read"),
    ],
)
def test_every_mistake_is_named(tmp_path: Path, entry: str, old: str, new: str, message: str) -> None:
    with pytest.raises(TrustListError, match=message):
        loaded(tmp_path, entry.replace(old, new, 1))


def test_names_are_unique(tmp_path: Path, entry: str) -> None:
    with pytest.raises(TrustListError, match="two lists are named lab-2026"):
        loaded(tmp_path, entry + entry)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TrustListError, match="cannot be read"):
        load(tmp_path / "none.toml")
