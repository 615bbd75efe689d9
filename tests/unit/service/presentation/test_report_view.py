import pytest

from detectors import Declaration
from service.examiner.examiner import IllustratedReport
from service.presentation.messages import messages
from service.presentation.report_view import ReportView, view
from tests.assets import provenance
from tests.support.evidence import Evidence
from watermark.c2pa.credentials import Credential, Credentials, TrustList
from watermark.c2pa.pki import make_development_pki


def read(data: bytes) -> Credential:
    pki = make_development_pki()
    lab = TrustList("lab", provenance.lab().pem)
    return Credentials(pki.chain, pki.key, "es256", [lab]).read(data, "image/jpeg")


def shown(evidence: Evidence) -> ReportView:
    return view(IllustratedReport(evidence.report(), b"jpeg", None, {}), messages("en"))


UNSIGNED = read(provenance.jpeg())
SYNTHETIC = Declaration(source="iptc", origin="synthetic", value="trainedAlgorithmicMedia")


def test_only_a_trusted_signers_own_statement_is_said_to_be_one() -> None:
    trusted = read(provenance.lab().sign(provenance.jpeg(), "image/jpeg", provenance.CAMERA))
    assert shown(Evidence(trusted)).headline == "Taken with a camera, says its signer"
    stranger = read(provenance.stranger().sign(provenance.jpeg(), "image/jpeg", provenance.CAMERA))
    assert shown(Evidence(stranger)).headline == "Says that a camera took it"


def test_unsigned_metadata_beside_a_trusted_signature_is_nobodys_word() -> None:
    trusted = read(provenance.lab().sign(provenance.jpeg(), "image/jpeg", provenance.CAMERA))
    both = shown(Evidence(trusted, declarations=(SYNTHETIC,)))
    assert (both.verdict, both.outcome) == ("declared_synthetic", "verified")
    assert both.headline == "Says that AI made it"
    assert both.conflicts


@pytest.mark.parametrize(
    ("evidence", "tone"), [(Evidence(UNSIGNED), "unknown"), (Evidence(UNSIGNED, (SYNTHETIC,)), "stated")]
)
def test_the_tone_says_how_firm_the_answer_is(evidence: Evidence, tone: str) -> None:
    assert shown(evidence).tone == tone


def test_every_kind_of_evidence_with_its_limits() -> None:
    sections = shown(Evidence(UNSIGNED)).sections
    assert [section.heading.partition(":")[0] for section in sections] == ["Claimed", "Marked", "Matched", "Inferred"]
    assert all(section.limits and section.meaning for section in sections)


@pytest.mark.parametrize(("coverage", "said"), [(0.84, True), (0.97, False)])
def test_what_lost_its_watermark_is_said_beside_the_verdict(coverage: float, said: bool) -> None:
    report = Evidence(UNSIGNED, mark_id=1, record_known=True, same_image=True).report()
    marks = [report.marked[0].model_copy(update={"coverage": coverage})]
    found = view(IllustratedReport(report.model_copy(update={"marked": marks}), None, None, {}), messages("en"))
    assert (found.partly is not None) is said
    assert shown(Evidence(UNSIGNED)).partly is None
    assert found.partly is None or found.partly.startswith("16 % of the image no longer carries the watermark.")


def test_pictures_are_part_of_the_page() -> None:
    assert shown(Evidence(UNSIGNED)).preview == "data:image/jpeg;base64,anBlZw=="
    assert shown(Evidence(UNSIGNED)).evidence is None
