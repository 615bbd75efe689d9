"""Our stored credential, shown beside whatever a file carries by now."""

import io
import json
from collections.abc import Callable

import pytest
from c2pa import Builder, C2paSignerInfo, Context, Signer

from service.examiner.report import Report
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released
from service.installation import Installation, open_installation
from service.media.pictures import ImageLimits, OutputFormat, decode, encode
from tests.support.certificates import Issued, authority, leaf
from tests.support.painter import landscape
from watermark.c2pa import jumbf

CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority()


@pytest.fixture
def released(gateway: Gateway) -> Released:
    return gateway.release(Order(prompt="a lake", seed=1))


@pytest.fixture
def examine(installation: Installation, released: Released, root: Issued) -> Callable[[bytes], Report]:
    """With the stranger's root trusted."""
    anchors = installation.settings.home / "anchors.pem"
    anchors.write_bytes(root.pem)
    own = open_installation(installation.settings.model_copy(update={"trust_anchors": anchors}))

    def look(data: bytes) -> Report:
        return own.examiner.examine(data, "x", classify=False)

    return look


def stripped(released: Released, to: OutputFormat = "jpeg") -> tuple[bytes, str]:
    return encode(decode(released.data, ImageLimits(1 << 24, 1 << 24)).rgb, to)


def signed_by(root: Issued, data: bytes, mime: str, url: str | None = None) -> bytes:
    """By a stranger, who says a camera made it; with `url` only a link to the manifest is in the file."""
    one = leaf(root)
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": CAMERA}]}
    manifest = {
        "claim_generator_info": [{"name": "Camera", "version": "1"}],
        "format": mime,
        "assertions": [{"label": "c2pa.actions.v2", "created": True, "data": actions}],
    }
    plain = {"version": 1, "verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}
    out = io.BytesIO()
    with Builder(json.dumps(manifest), Context.from_dict(plain)) as builder:
        if url:
            builder.set_no_embed()
            builder.set_remote_url(url)
        signer = Signer.from_info(C2paSignerInfo("es256", one.pem, one.key_pem, None))
        builder.sign(signer, mime, io.BytesIO(data), out)
    return out.getvalue()


def identifier(released: Released) -> str:
    return jumbf.active_manifest(released.proven.signed.manifest).label


def test_beside_a_strangers_trusted_credential(
    examine: Callable[[bytes], Report], released: Released, root: Issued
) -> None:
    """Case UC2 of C2PA 2.2: the credential was substituted."""
    report = examine(signed_by(root, *stripped(released)))
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.manifest_id == identifier(released)
    assert (report.claimed.recovered.found_by, report.claimed.recovered.same_image) == ("watermark", True)
    assert (report.claimed.state, report.claimed.signer) == ("trusted", "Test Signer")
    assert report.verdict == "issued_here"
    assert "camera_claimed_on_marked_image" in report.conflicts
    assert "issued_credential_beside" in [reason.code for reason in report.reasons]


def test_beside_a_link_that_is_not_followed(
    examine: Callable[[bytes], Report], released: Released, root: Issued
) -> None:
    report = examine(signed_by(root, *stripped(released), "http://127.0.0.1:9/manifest.c2pa"))
    assert report.claimed.state == "remote_only"
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.manifest_id == identifier(released)


def test_in_the_place_of_a_lost_one(examine: Callable[[bytes], Report], released: Released) -> None:
    report = examine(stripped(released)[0])
    assert report.claimed.state == "recovered"
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.found_by == "watermark"
    assert "issued_credential_beside" not in [reason.code for reason in report.reasons]


def test_by_its_look_where_the_watermark_is_gone(
    examine: Callable[[bytes], Report], installation: Installation, released: Released
) -> None:
    """The same scene without the watermark, as another generator's cleaning would leave it."""
    rgb = released.proven.signed.marked.cleared.draft.rgb
    report = examine(encode(rgb, "png")[0])
    assert not report.marked[0].present
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.found_by == "fingerprint"
    assert report.claimed.state == "absent"


def test_a_copied_watermark_shows_whose_it_is_and_that_the_image_is_another(
    examine: Callable[[bytes], Report], installation: Installation, released: Released
) -> None:
    copied = installation.codec.embed(landscape(50, 256, 256), released.admitted.mark_id)
    report = examine(encode(copied, "png")[0])
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.same_image is False
    assert report.claimed.state == "absent"
    assert report.verdict != "issued_here"


def test_nothing_beside_the_file_as_it_was_issued(examine: Callable[[bytes], Report], released: Released) -> None:
    assert examine(released.data).claimed.recovered is None


def test_nothing_for_a_strangers_image(examine: Callable[[bytes], Report]) -> None:
    assert examine(encode(landscape(50, 256, 256), "png")[0]).claimed.recovered is None
