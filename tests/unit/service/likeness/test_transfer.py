"""Export of a registry, and its import by another installation."""

import datetime as dt
import json
from pathlib import Path

import pytest

from service.installation import Installation
from service.kit.errors import BadRequest
from service.kit.settings import Settings
from service.likeness.registry import Consent
from tests.support.people import ANN, BOB, MODEL, enrolled, granted, likeness

DAY = dt.timedelta(days=1)


def test_a_registry_moves_house(consent: Consent, tmp_path: Path) -> None:
    from service.installation import open_installation

    ann = enrolled(consent)
    consent.subjects.erase(enrolled(consent, BOB).subject)
    short = consent.subjects.enrol("Cy", [likeness(BOB)], MODEL, retain=DAY)
    text = consent.transfer.export()
    other = open_installation(Settings(home=tmp_path / "other"))
    told = {other.consent.subjects.name(one.subject): one.subject for one in other.consent.transfer.import_(text)}
    until = {one.id: one.retain_until for one in (*consent.subjects.everybody(), *other.consent.subjects.everybody())}
    assert until[told["Cy"]] == until[short.subject] is not None
    assert told["Ann Example"] != ann.subject
    (match,) = other.consent.faces.protected(MODEL).templates.within(likeness(ANN), 1e-6)
    assert match.distance == 0
    other.close()


@pytest.mark.parametrize("until", ["soon", "2026-05-01", {}])
def test_a_retention_that_is_no_moment_is_refused(consent: Consent, until: object) -> None:
    enrolled(consent)
    whole = json.loads(consent.transfer.export())
    whole["subjects"][0]["retain_until"] = until
    with pytest.raises(BadRequest, match="not an export"):
        consent.transfer.import_(json.dumps(whole))
    assert len(consent.subjects.everybody()) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"subjects":[{"name":"x"}]}', '{"subjects":3}'])
def test_what_is_no_export_is_refused(consent: Consent, text: str) -> None:
    with pytest.raises(BadRequest, match="not an export"):
        consent.transfer.import_(text)
    assert consent.subjects.everybody() == []


def test_an_import_is_all_or_nothing(consent: Consent) -> None:
    enrolled(consent)
    enrolled(consent, BOB)
    whole = json.loads(consent.transfer.export())
    whole["subjects"][1]["templates"] = ["AAAA"]
    with pytest.raises(BadRequest, match="not an export"):
        consent.transfer.import_(json.dumps(whole))
    assert len(consent.subjects.everybody()) == 2


def test_an_import_is_one_decision_without_names(consent: Consent, installation: Installation) -> None:
    enrolled(consent)
    (imported,) = consent.transfer.import_(consent.transfer.export())
    (decision,) = installation.ledger.decided("registry")
    content = json.loads(decision.body)
    assert (content["action"], content["subjects"]) == ("imported", [imported.subject])
    assert "Ann" not in decision.body


def test_grants_are_exported_as_receipts_and_not_imported(consent: Consent) -> None:
    number = granted(consent, enrolled(consent).subject)
    text = consent.transfer.export()
    assert json.loads(text)["subjects"][0]["receipts"] == [consent.grants.of(number).receipt]
    (imported,) = consent.transfer.import_(text)
    assert consent.grants.grants_of(imported.subject) == []


def test_of_several_models_the_newest_ones_templates_move(consent: Consent) -> None:
    ann = enrolled(consent).subject
    consent.subjects.re_enrol(ann, [likeness(BOB)] * 2, "d" * 64, keep_others=True)
    (person,) = json.loads(consent.transfer.export())["subjects"]
    assert (person["model"], len(person["templates"])) == ("d" * 64, 2)
