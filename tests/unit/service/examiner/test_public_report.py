import base64

import pytest

from service.examiner.lanes.claimed.section import (
    Claimed,
    ClaimedAction,
    ClaimedIdentity,
    ClaimedIngredient,
    ClaimedManifest,
    ClaimedRedaction,
    ClaimedRemark,
    Recovered,
)
from service.examiner.public_report import system_only
from service.examiner.report import Report
from tests.support.evidence import Evidence
from watermark.c2pa.credentials import Credential
from watermark.c2pa.status import Axis, Integrity, SignerStatus

ANN = "Ann Other"


def claimed(status: SignerStatus = SignerStatus.UNKNOWN) -> Claimed:
    """A credential with a name in every text that its author or anybody before them could write."""
    action = ClaimedAction(action="c2pa.edited", agent="Painter 3", description=f"for {ANN}", when="2026-01-01")
    ingredient = ClaimedIngredient(
        title=f"{ANN}.jpg",
        manifest_id="urn:c2pa:1",
        thumbnail="place",
        signer_status=status,
        integrity=Integrity.INTACT,
    )
    return Claimed(
        state="valid_untrusted",
        integrity=Integrity.INTACT,
        signer_status=status,
        signer=ANN,
        issuer=ANN,
        generator="Painter 3",
        actions=[action],
        ingredients=[ingredient],
        manifests=[
            ClaimedManifest(
                manifest_id="urn:c2pa:1", title=ANN, signer=ANN, issuer=ANN, actions=[action], ingredients=[ingredient]
            )
        ],
        identities=[ClaimedIdentity(label="cawg.identity", name=ANN, status="verified")],
        redactions=[ClaimedRedaction(target="x", reason=ANN)],
        remote_url=f"https://example.com/{ANN}",
        disclosures={
            "org.countermark.disclosure": {"provider": "Painter Ltd", "owner": ANN, "system": {"name": ANN}},
            "c2pa.ai-disclosure": ANN,
        },
        remarks=[ClaimedRemark(code="x", axis=Axis.SIGNER, failure=False, text="y", explanation=ANN, source="z")],
        recovered=Recovered(content_id="urn:uuid:1", manifest_base64=base64.b64encode(ANN.encode()).decode()),
    )


def report(status: SignerStatus = SignerStatus.UNKNOWN) -> Report:
    return Evidence(Credential(Integrity.ABSENT)).report().model_copy(update={"claimed": claimed(status)})


def test_it_names_systems_and_nobody() -> None:
    told = system_only(report())
    text = told.model_dump_json()
    assert ANN not in text
    assert base64.b64encode(ANN.encode()).decode() not in text
    assert (told.claimed.generator, told.claimed.actions[0].agent) == ("Painter 3", "Painter 3")
    assert told.claimed.actions[0].when == "2026-01-01"
    assert told.claimed.disclosures["org.countermark.disclosure"] == {"provider": "Painter Ltd"}
    assert (told.verdict, told.reasons) == (report().verdict, report().reasons)
    assert ANN in report().model_dump_json()  # with a key it is there


@pytest.mark.parametrize(("status", "named"), [(SignerStatus.TRUSTED, True), (SignerStatus.UNKNOWN, False)])
def test_a_signer_is_named_if_somebody_vouches_for_it(status: SignerStatus, named: bool) -> None:
    told = system_only(report(status)).claimed
    assert (told.signer == ANN) is (told.manifests[0].signer == ANN) is named
