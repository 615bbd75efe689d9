from service.examiner.lanes.claimed.section import Claimed, ClaimedIngredient, ClaimedManifest
from service.presentation.provenance_tree import nodes
from tests.assets import provenance
from tests.support.evidence import Evidence
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.status import Integrity


def claimed() -> Claimed:
    pki = make_development_pki()
    reader = Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])
    edited = provenance.edited([provenance.OPENED], (provenance.broken(), "parentOf"))
    return Evidence(reader.read(edited, "image/jpeg")).report().claimed


def test_each_file_with_its_signer_and_what_was_done() -> None:
    root = nodes(claimed())
    assert root is not None
    assert (root.title, root.integrity, root.actions) == ("this image", Integrity.INTACT, ("c2pa.opened",))
    (parent,) = root.children
    assert (parent.title, parent.integrity) == ("parentOf: p", Integrity.ALTERED)
    assert parent.state.startswith("altered; signed by")


def test_without_a_credential_there_is_none() -> None:
    assert nodes(claimed().model_copy(update={"manifest_id": None})) is None


def test_a_loop_ends() -> None:
    whole = claimed()
    again = ClaimedIngredient(title="again", manifest_id=whole.manifest_id, relationship="parentOf")
    loop = ClaimedManifest(manifest_id=whole.manifest_id or "", ingredients=[again])
    root = nodes(whole.model_copy(update={"ingredients": [again], "manifests": [loop]}))
    assert root is not None
    assert [child.children for child in root.children] == [()]
