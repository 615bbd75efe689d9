import numpy as np
import pytest

from service.gateway.execution import Unexpected
from service.gateway.stages.labelling import Labelling
from service.installation import Installation
from service.kit.errors import StageFailed
from service.labels import PROFILES
from service.labels.labelling import Labels, profiles
from service.labels.visible import Labelled
from service.media.pictures import ImageLimits, decode, encode
from tests.support.gateway import ORDER, Build, Notary, last_body, refused
from watermark.c2pa.credentials import SignedFile
from watermark.c2pa.manifest import Statement

LAWS = profiles(["eu-ai-act-50", "cn-gb45438"])
LIMITS = ImageLimits(1 << 24, 1 << 24)
WITH_LABEL = ORDER.model_copy(update={"visible_label": True})


def test_a_label_is_drawn_before_the_watermark_and_said_in_the_manifest(
    build: Build, installation: Installation
) -> None:
    plain = decode(build().release(ORDER).data, LIMITS).rgb.astype(int)
    released = build(labels=Labels(LAWS)).release(WITH_LABEL)
    report = installation.examiner.examine(released.data, classify=False)
    assert report.verdict == "issued_here"
    assert [action.action for action in report.claimed.actions] == [
        "c2pa.created",
        "c2pa.addedText",
        "c2pa.watermarked.bound",
    ]
    assert last_body(installation)["label"] == "AI生成"
    labelled = released.proven.signed.marked.imprint
    drawn = Labels(LAWS).drawn(released.proven.signed.marked.cleared.draft.rgb, wanted=True).box
    assert drawn is not None
    assert np.abs(drawn.of(labelled.rgb) - drawn.of(plain)).mean() > 30
    assert np.abs(labelled.rgb - plain)[:100].mean() < 5


def test_a_file_that_lost_a_field_is_refused(build: Build, installation: Installation) -> None:
    def stripped(data: bytes, mime: str, statement: Statement) -> SignedFile:
        return installation.credentials.sign(encode(decode(data, LIMITS).rgb, "png")[0], mime, statement)

    credentials = Notary(installation.credentials, sign=stripped)
    refusal = refused(build(labels=Labels(LAWS), credentials=credentials), installation)
    assert isinstance(refusal, StageFailed)
    assert refusal.stage == "prove"
    assert "lacks Iptc4xmpExt:DigitalSourceType" in refusal.message
    build(credentials=credentials).release(ORDER)  # nothing was switched on


def test_a_file_that_does_not_show_the_label_is_refused() -> None:
    labelling = Labelling(Labels(), "Provider")
    picture = np.random.default_rng(1).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    labelled = labelling.labels.drawn(picture, wanted=True)
    labelling.check_visible(labelled, labelled.rgb)
    labelling.check_visible(Labelled(picture), picture)
    with pytest.raises(Unexpected, match="visible label"):
        labelling.check_visible(labelled, picture)


def test_a_labeller_that_changes_more_than_its_box_is_refused(
    build: Build, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Labels.drawn

    def careless(self: Labels, rgb: np.ndarray, *, wanted: bool) -> Labelled:
        labelled = honest(self, rgb, wanted=wanted)
        labelled.rgb[0, 0] ^= 255
        return labelled

    monkeypatch.setattr(Labels, "drawn", careless)
    refusal = refused(build(), installation, WITH_LABEL)
    assert isinstance(refusal, StageFailed)
    assert "more than its box" in refusal.message


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif", "tiff"])
def test_every_format_leaves_with_its_labels_under_its_credential(
    build: Build, installation: Installation, form: str
) -> None:
    labels = Labels(profiles(list(PROFILES)), always_visible=True)
    data = build(labels=labels).release(ORDER.model_copy(update={"format": form})).data
    report = installation.examiner.examine(data, classify=False)
    assert report.verdict == "issued_here"
    assert report.claimed.state == "trusted"
    assert {each.rule for each in report.claimed.declarations} >= {
        "iptc-digital-source-type",
        "iptc-ai-system",
        "gb45438",
    }
