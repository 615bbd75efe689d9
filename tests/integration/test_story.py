"""The main job, end to end with the painter: issue, strip, change, and recognise again."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from service.examiner.policy import Outcome, Verdict
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.settings import Settings
from service.media.pictures import OutputFormat


def jpeg(rgb: np.ndarray, quality: int, size: tuple[int, int] | None = None) -> bytes:
    image = Image.fromarray(rgb)
    out = io.BytesIO()
    (image.resize(size, Image.Resampling.LANCZOS) if size else image).save(out, "JPEG", quality=quality)
    return out.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("to", ["png", "jpeg", "webp"])
def test_an_issued_file_is_verified(installation: Installation, gateway: Gateway, to: OutputFormat) -> None:
    released = gateway.release(Order(prompt="a lake", seed=3, format=to))

    report = installation.examiner.examine(released.data)

    assert report.verdict is Verdict.ISSUED_HERE
    assert report.outcome is Outcome.VERIFIED
    assert report.claimed.state == "trusted"
    assert report.claimed.trust_list == "development"
    assert report.claimed.disclosures["org.countermark.disclosure"]["provider"] == "Test Installation"
    assert [a.action for a in report.claimed.actions] == ["c2pa.created", "c2pa.watermarked.bound"]
    assert report.marked[0].issued is not None
    assert report.marked[0].mark_id == f"{released.admitted.mark_id:012x}"
    assert report.marked[0].same_image is True
    assert not report.conflicts


@pytest.mark.parametrize("seed", range(5))
def test_a_stripped_shrunk_and_recompressed_copy_is_recovered(
    installation: Installation, gateway: Gateway, seed: int
) -> None:
    released = gateway.release(Order(prompt="a lake", seed=seed))
    rgb = pixels(released.data)

    report = installation.examiner.examine(jpeg(rgb, 70, size=(128, 128)))

    assert report.verdict is Verdict.ISSUED_HERE
    assert report.outcome is Outcome.VERIFIED
    assert report.claimed.state == "recovered"
    assert report.claimed.recovered is not None
    assert report.claimed.recovered.content_id == released.admitted.content_id
    stored = installation.ledger.by_mark(released.admitted.mark_id)
    assert stored is not None
    assert base64.b64decode(report.claimed.recovered.manifest_base64) == stored.manifest
    assert report.claimed.failures == []
    assert report.matched[0].issued.content_id == released.admitted.content_id


def test_one_changed_pixel_is_tampering(installation: Installation, gateway: Gateway) -> None:
    """The credential stays in the file; one pixel does not: libpng's filter bytes and all are rewritten."""
    released = gateway.release(Order(prompt="a lake", seed=1))

    report = installation.examiner.examine(change_one_pixel(released.data))

    assert report.verdict is Verdict.TAMPERED
    assert report.outcome is Outcome.INVALID
    assert report.claimed.state == "invalid"
    assert "assertion.dataHash.mismatch" in report.claimed.failures


def change_one_pixel(png: bytes) -> bytes:
    """Re-encode the picture with one pixel changed, and put the old C2PA chunk back where it was."""
    rgb = pixels(png).copy()
    rgb[10, 10] ^= 1
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG", compress_level=1)
    at = png.index(b"caBX") - 4
    chunk = png[at : at + 12 + int.from_bytes(png[at : at + 4], "big")]
    plain = out.getvalue()
    return plain[:33] + chunk + plain[33:]


def test_a_strangers_photo_has_nothing(installation: Installation, gateway: Gateway) -> None:
    gateway.release(Order(prompt="a lake", seed=1))

    report = installation.examiner.examine(jpeg(photos.astronaut(), 90))

    assert report.verdict == report.inferred.verdict  # nothing else is known about it
    assert report.outcome is Outcome.NOTHING
    assert report.claimed.state == "absent"
    assert report.marked[0].present is False
    assert report.matched == []


def test_a_mark_moved_to_another_picture_is_a_conflict(
    installation: Installation, gateway: Gateway, tmp_path: Path
) -> None:
    """A copy attack, the strongest there is: somebody with our key embeds an issued id elsewhere."""
    released = gateway.release(Order(prompt="a lake", seed=1))
    forged = installation.codec.embed(np.asarray(photos.astronaut()), released.admitted.mark_id)

    report = installation.examiner.examine(jpeg(forged, 95))

    assert report.verdict is Verdict.INCONCLUSIVE  # the mark of another picture accuses no photograph
    assert report.outcome is Outcome.UNTRUSTED
    assert report.conflicts == ["mark_on_other_image"]
    assert "mark_moved" in [reason.code for reason in report.reasons]
    assert report.marked[0].resemblance == "other"
    assert report.claimed.state == "absent"


def test_a_crop_is_told_from_another_picture(installation: Installation, gateway: Gateway) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1))
    height, width = (round(side * 0.8) for side in pixels(released.data).shape[:2])

    report = installation.examiner.examine(jpeg(pixels(released.data)[:height, :width], 90))

    assert report.verdict is Verdict.MARKED_SYNTHETIC
    assert report.conflicts == []
    assert "part_of_issued_image" in [reason.code for reason in report.reasons]
    assert report.marked[0].resemblance == "part"


def test_a_credential_moved_to_another_picture_is_invalid(installation: Installation, gateway: Gateway) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1))
    png = released.data
    at = png.index(b"caBX") - 4
    chunk = png[at : at + 12 + int.from_bytes(png[at : at + 4], "big")]
    out = io.BytesIO()
    Image.fromarray(photos.astronaut()).save(out, "PNG")
    stolen = out.getvalue()[:33] + chunk + out.getvalue()[33:]

    report = installation.examiner.examine(stolen)

    assert report.verdict is Verdict.TAMPERED
    assert report.marked[0].present is False


def test_changed_signature_padding_is_tampering(installation: Installation, gateway: Gateway) -> None:
    """The C2PA library calls such a file trusted; our ledger knows that it never issued these bytes."""
    data = bytearray(gateway.release(Order(prompt="a lake", seed=1)).data)
    pad = max((m for m in range(len(data) - 64) if data[m : m + 64] == bytes(64)), default=None)
    assert pad is not None
    data[pad + 20] = 1
    # PNG guards its chunks with a checksum: mend it.
    import zlib

    at = bytes(data).index(b"caBX") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    data[at + 8 + length : at + 12 + length] = zlib.crc32(data[at + 4 : at + 8 + length]).to_bytes(4, "big")
    assert installation.credentials.read(bytes(data), "image/png").state == "trusted"

    report = installation.examiner.examine(bytes(data))

    assert report.verdict is Verdict.TAMPERED
    assert "file_changed_after_issue" in [reason.code for reason in report.reasons]


def test_another_installation_does_not_trust_us_but_says_untrusted(
    installation: Installation, gateway: Gateway, tmp_path: Path, settings: Settings
) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1))
    from service.installation import open_installation

    stranger = open_installation(settings.model_copy(update={"home": tmp_path / "elsewhere"}))

    report = stranger.examiner.examine(released.data)

    assert report.claimed.state == "valid_untrusted"
    assert report.outcome is Outcome.UNTRUSTED
    assert report.verdict is Verdict.DECLARED_SYNTHETIC
    assert report.marked[0].present is False
