"""What was deleted after a backup is deleted again after it was restored."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from service.installation import Installation, open_installation
from service.kit.errors import BadRequest, FileUnreadable, KeyRevoked, NotFound
from service.recovery import deletions
from service.recovery.backup import back_up
from service.recovery.restore import restore
from tests.support.issued import fill


def enrol(installation: Installation, name: str) -> str:
    face = np.zeros(128, np.float32)
    return installation.consent.subjects.enrol(name, [face], "0" * 64).subject


def test_a_restoration_does_not_bring_people_back(installation: Installation, tmp_path: Path) -> None:
    from service.access.api_keys import KeyTerms
    from service.access.tenants import Terms

    fill(installation.ledger)
    consent, tenants = installation.consent, installation.tenants
    ann, bob = enrol(installation, "Ann"), enrol(installation, "Bob")
    grant = consent.grants.give(bob, "a poster", ["portrait"], "default", dt.timedelta(days=9)).id
    for name in ("acme", "gone", "several"):
        tenants.add(Terms(name=name))
    old, leaked = (installation.api_keys.add("several", KeyTerms()) for _ in range(2))
    back_up(installation, tmp_path / "backup")
    consent.subjects.erase(ann)
    consent.grants.revoke(grant)
    tenants.remove("gone")
    tenants.rotate("acme")
    installation.api_keys.rotate(old.id, dt.timedelta(hours=1))
    installation.api_keys.revoke(leaked.id)
    late = enrol(installation, "Late")
    consent.subjects.erase(late)
    found = deletions.deletions_of(installation.ledger)
    assert [(each.action, each.subject) for each in found] == [
        ("erase", ann), ("revoke", bob), ("remove_tenant", "gone"), ("replace_tenant_key", "acme"),
        ("replace_key", "several"), ("revoke_key", "several"), ("erase", late),
    ]  # fmt: skip
    (tmp_path / "list").write_text("\n".join(deletions.as_lines(found)))
    installation.close()

    done = restore(installation.settings, tmp_path / "backup", replace=True, deletion_list=tmp_path / "list")
    assert [(each.deletion.action, each.outcome) for each in done.applied] == [
        ("erase", "applied"), ("revoke", "applied"), ("remove_tenant", "applied"), ("replace_tenant_key", "open"),
        ("replace_key", "open"), ("revoke_key", "applied"), ("erase", "not needed"),
    ]  # fmt: skip
    again = open_installation(installation.settings)
    with pytest.raises(NotFound):
        again.consent.subjects.name(ann)
    assert again.consent.subjects.name(bob) == "Bob"
    assert again.consent.grants.of(grant).state == "revoked"
    with pytest.raises(KeyRevoked):
        again.tenants.client(leaked.key)
    assert again.ledger.verify().problems == ()
    again.close()


def test_the_list_is_read_as_it_was_printed(tmp_path: Path, installation: Installation) -> None:
    subject = enrol(installation, "Ann")
    installation.consent.subjects.erase(subject)
    found = deletions.deletions_of(installation.ledger)
    (tmp_path / "list").write_text("\n".join(deletions.as_lines(found)) + "\n")
    assert deletions.read_list(tmp_path / "list") == found
    assert "Ann" not in (tmp_path / "list").read_text()
    assert deletions.missing_from(installation.ledger, found * 2) == []


@pytest.mark.parametrize(
    "text", ["x", "[]", "{}", json.dumps({"seq": 1, "at": "", "action": "x", "subject": "", "hash": ""})]
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "list").write_text(text)
    with pytest.raises(BadRequest, match="not a list of deletions"):
        deletions.read_list(tmp_path / "list")
    with pytest.raises(FileUnreadable):
        deletions.read_list(tmp_path / "none")
