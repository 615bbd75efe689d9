import io

import pytest
from rich.console import Console

from service.cli.provenance_tree import tree
from service.examiner.lanes.claimed.section import Claimed, ClaimedIngredient, ClaimedManifest
from service.presentation.provenance_tree import nodes
from tests.assets import provenance
from tests.support.evidence import Evidence
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.status import Integrity, SignerStatus


@pytest.fixture(scope="module")
def laundered() -> Claimed:
    pki = make_development_pki()
    reader = Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])
    edited = provenance.edited(
        [provenance.OPENED, provenance.PLACED_SECOND],
        (provenance.broken(), "parentOf"),
        (provenance.jpeg(), "componentOf"),
    )
    return Evidence(reader.read(edited, "image/jpeg")).report().claimed


def shown(claimed: Claimed) -> str:
    out = io.StringIO()
    root = nodes(claimed)
    assert root is not None
    Console(file=out, width=200, highlight=False).print(tree(root))
    return out.getvalue()


def test_everything_it_was_made_from(laundered: Claimed) -> None:
    lines = [line.strip("│├└─ ") for line in shown(laundered).splitlines()]
    assert lines == [
        "this image intact; signed by Case Signer, Case Lab (trusted), with Case 1",
        "c2pa.opened",
        "c2pa.placed",
        "parentOf: p altered; signed by Case Signer, Case Lab (trusted), with Case 1",
        "c2pa.created digitalCapture",
        "componentOf: q without a credential",
    ]


def test_without_a_credential_there_is_no_tree() -> None:
    assert nodes(Claimed(state="absent")) is None


def test_loops_end_and_forests_are_cut() -> None:
    """A manifest that is its own ancestor, and paths that double at every level."""

    def made_of(name: str) -> ClaimedIngredient:
        return ClaimedIngredient(manifest_id=name, relationship="componentOf", signer_status=SignerStatus.TRUSTED)

    levels = [
        ClaimedManifest(manifest_id=str(level), ingredients=[made_of(str(level + 1)), made_of(str(level + 1))])
        for level in range(40)
    ]
    claimed = Claimed(
        state="trusted", integrity=Integrity.INTACT, manifest_id="top", ingredients=[made_of("0")], manifests=levels
    )
    assert "the tree is larger than what is shown" in shown(claimed)
    loop = ClaimedManifest(manifest_id="loop", ingredients=[made_of("loop")])
    claimed = claimed.model_copy(update={"ingredients": [made_of("loop")], "manifests": [loop]})
    assert shown(claimed).count("componentOf") == 2


def test_a_file_does_not_steer_the_terminal(laundered: Claimed) -> None:
    evil = laundered.model_copy(update={"signer": "\x1b[31m[bold]"})
    assert "\x1b[31m" not in shown(evil)
    assert "[bold]" in shown(evil)
