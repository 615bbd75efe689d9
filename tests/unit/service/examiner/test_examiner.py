import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from service.examiner.assembly import open_examiner
from service.examiner.examination import Sources
from service.examiner.inference import Inferred
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import InputError, TooLarge, Unavailable
from service.kit.settings import Settings
from service.media.isolation.parsers import Parsed
from tests.assets import declared, provenance
from tests.assets.hostile import picture, save
from tests.support.gateway import ORDER, Build
from watermark.c2pa.presence import look
from watermark.c2pa.sdk import Stopped


def test_without_the_ledger_there_is_no_report(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that silently lacks our own records would be a false one."""

    def gone(*args: object) -> None:
        raise Unavailable("the ledger cannot be read: gone")

    monkeypatch.setattr(installation.ledger, "by_sha256", gone)
    with pytest.raises(Unavailable):
        installation.examiner.examine(save(picture(), "PNG"))


def test_limits_come_from_the_settings(settings: Settings) -> None:
    from service.installation import open_installation

    small = open_installation(settings.model_copy(update={"max_pixels": 4096}))
    with pytest.raises(TooLarge):
        small.examiner.examine(save(picture(size=(65, 64)), "PNG"))
    with pytest.raises(InputError):
        small.examiner.examine(b"")


def test_declarations_are_reported(installation: Installation) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a castle\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1")
    report = installation.examiner.examine(save(picture(), "PNG", pnginfo=info), "castle.png")
    assert report.file == "castle.png"
    assert report.verdict == "declared_synthetic"
    assert report.outcome == "nothing_found"
    assert report.claimed.declarations[0].source == "png_text"


def test_a_copy_without_its_mark_is_matched(installation: Installation, gateway: Gateway) -> None:
    """The unmarked draft of an issued picture: only its looks give it away."""
    released = gateway.release(Order(prompt="a lake", seed=1))
    draft = released.proven.signed.marked.cleared.draft.rgb
    report = installation.examiner.examine(save(Image.fromarray(draft), "PNG"))
    assert report.marked[0].present is False
    assert report.matched[0].issued.content_id == released.admitted.content_id
    assert report.verdict == "likely_synthetic"
    assert report.outcome == "nothing_found"


def test_a_mark_of_a_lost_ledger_is_still_found(installation: Installation, gateway: Gateway) -> None:
    marked = installation.codec.embed(photos.astronaut(), 42)
    report = installation.examiner.examine(save(Image.fromarray(marked), "PNG"))
    assert report.marked[0].mark_id == f"{42:012x}"
    assert report.marked[0].issued is None
    assert report.verdict == "marked_synthetic"
    assert "mark_unknown_here" in [reason.code for reason in report.reasons]


def test_what_nobody_looked_at_does_not_count_as_unmarked(installation: Installation) -> None:
    """Of a panorama only the middle is read; untouched, it must not be reported as painted over."""
    import cv2

    marked = installation.codec.embed(cv2.resize(photos.astronaut(), (2000, 400)), 42)
    data = save(Image.fromarray(marked), "PNG")
    coverage = installation.examiner.examine(data, classify=False).marked[0].coverage
    assert coverage is not None
    assert coverage > 0.6  # .71 to .88, depending on the key
    found = installation.examiner.heatmap(data)
    assert found is not None
    assert np.isnan(found[1][:, :300]).all()
    assert np.nanmean(found[1]) > 0.5


def test_examining_is_thread_safe(installation: Installation, gateway: Gateway) -> None:
    data = gateway.release(Order(prompt="a lake", seed=1)).data
    expected = installation.examiner.examine(data)
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(installation.examiner.examine(data))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [expected] * 6


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x08mdat"


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF", "application/pdf"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/svg+xml"),
        (HEIC, "image/heic"),
        (b"ID3\4\0\0\0\0\0\0" + bytes(64), "audio/mpeg"),
    ],
)
def test_what_can_carry_a_credential_is_read_without_its_pixels(
    installation: Installation, data: bytes, mime: str
) -> None:
    report = installation.examiner.examine(data)
    assert (report.asset.mime, report.asset.width, report.claimed.integrity) == (mime, None, "absent")
    assert report.asset.not_examined is not None
    assert (report.marked, report.matched, report.inferred.state) == ([], [], "not_examined")
    assert (report.verdict, report.outcome) == ("inconclusive", "nothing_found")
    assert installation.examiner.heatmap(data) is None


def test_a_file_without_decoded_pixels_says_what_its_metadata_declares(installation: Installation) -> None:
    """A telephone's HEIC, and a generator's SVG: their metadata is text like any other."""
    heic = save(picture(), "AVIF", exif=camera()).replace(b"ftypavif", b"ftypheic", 1)
    report = installation.examiner.examine(heic)
    assert (report.asset.mime, report.verdict) == ("image/heic", "declared_camera")
    assert report.claimed.declarations[0].rule == "camera"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>' + declared.source_type() + b"</metadata></svg>"
    report = installation.examiner.examine(svg)
    assert (report.asset.mime, report.verdict) == ("image/svg+xml", "declared_synthetic")
    assert report.asset.not_examined is not None


def camera() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS R5"
    return exif


def test_a_signed_file_of_any_type_is_read(installation: Installation, tmp_path: Path) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    signed = provenance.stranger().sign(svg, "image/svg+xml", provenance.GENERATED)
    report = installation.examiner.examine(signed)
    assert (report.claimed.state, report.verdict, report.outcome) == (
        "valid_untrusted", "declared_synthetic", "untrusted"
    )  # fmt: skip


def test_a_cut_image_shows_what_it_claimed(installation: Installation) -> None:
    report = installation.examiner.examine(provenance.camera()[:-400])
    assert (report.claimed.integrity, report.verdict, report.outcome) == (
        "unreadable", "credential_unreadable", "unreadable"
    )  # fmt: skip
    assert report.claimed.actions[0].action == "c2pa.created"
    assert "file.incomplete" in report.claimed.failures


def test_a_damaged_image_without_a_credential_is_still_an_error(installation: Installation) -> None:
    with pytest.raises(InputError):
        installation.examiner.examine(provenance.jpeg()[:-400])
    with pytest.raises(InputError):
        installation.examiner.examine(b"hello, this is not a picture")


def test_a_credential_beside_the_file(installation: Installation) -> None:
    """A sidecar is read as an embedded one is, against the file's bytes."""
    signed = provenance.stranger().sign(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    store = look(signed).store
    assert store is not None
    plain = installation.examiner.examine(provenance.jpeg(), classify=False)
    beside = installation.examiner.examine(provenance.jpeg(), classify=False, manifest=store)
    assert plain.claimed.integrity == "absent"
    assert (beside.claimed.signer, beside.claimed.actions[0].action) == ("Stranger Signer", "c2pa.created")
    damaged = installation.examiner.examine(provenance.jpeg(), classify=False, manifest=b"not a manifest")
    assert damaged.claimed.integrity == "unreadable"


def signed_tree() -> bytes:
    ingredients = [(provenance.jpeg(), "parentOf")]
    return provenance.stranger().sign(
        provenance.jpeg(), "image/jpeg", [provenance.OPENED], ingredients, thumbnails=True
    )  # fmt: skip


def test_a_preview_is_a_small_jpeg_of_our_own(installation: Installation) -> None:
    def size(data: bytes) -> tuple[str | None, tuple[int, int]]:
        shown = installation.examiner.preview(data)
        assert shown is not None
        image = Image.open(io.BytesIO(shown))
        return image.format, image.size

    assert size(save(picture(size=(1280, 320)), "PNG")) == ("JPEG", (640, 160))
    assert size(save(picture(size=(90, 60)), "WEBP")) == ("JPEG", (90, 60))
    assert size(save(picture(size=(2000, 1)), "PNG")) == ("JPEG", (640, 1))
    assert installation.examiner.preview(b"hello, this is not a picture") is None


def test_thumbnails_are_made_again(installation: Installation) -> None:
    """What stands in the file is a stranger's, so none of its bytes are shown."""
    data = signed_tree()
    shown = installation.examiner.thumbnails(data)
    assert len(shown) == 2
    for thumbnail in shown.values():
        assert Image.open(io.BytesIO(thumbnail)).format == "JPEG"
        assert thumbnail not in data
    assert installation.examiner.thumbnails(provenance.jpeg()) == {}


def test_crjson_of_a_file_and_of_a_sidecar(installation: Installation) -> None:
    examiner = installation.examiner
    beside = provenance.stranger().sidecar(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    for told in (examiner.crjson(signed_tree()), examiner.crjson(provenance.jpeg(), beside)):
        assert told is not None
        assert json.loads(told)["manifests"]
    assert examiner.crjson(provenance.jpeg()) is None
    assert examiner.crjson(b"hello") is None


def test_a_credential_that_was_not_finished_is_unreadable(installation: Installation) -> None:
    """No pass, and nobody is said to have altered the file."""

    def stopped(*_: object, **__: object) -> tuple[dict[str, object], bytes]:
        raise Stopped("the file could not be read within 30 s")

    def never(_: object) -> Inferred:
        raise AssertionError("nothing is classified")

    sources = Sources(
        installation.settings,
        installation.codec,
        installation.credentials.reader.asking(stopped),
        installation.ledger,
        never,
    )
    report = open_examiner(sources, installation.limits).examine(provenance.camera(), classify=False)
    assert (report.claimed.integrity, report.claimed.state) == ("unreadable", "invalid")
    assert (report.verdict, report.outcome) == ("credential_unreadable", "unreadable")
    assert "within 30 s" in str(report.claimed.remarks[0].explanation)


def test_the_examiner_reads_no_credential_in_this_process(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But where files from outside are parsed, which the settings name."""
    asked = list[str]()
    run = installation.limits.parsers.run

    def noted(parser: str, *parts: Any, **options: Any) -> Parsed:
        asked.append(parser)
        return run(parser, *parts, **options)

    monkeypatch.setattr(installation.limits.parsers, "run", noted)
    installation.examiner.examine(provenance.camera(), classify=False)
    installation.examiner.crjson(provenance.camera())
    installation.examiner.thumbnails(provenance.camera())
    assert asked == ["decode", "credential_read", "credential_crjson", "credential_thumbnails"]


def test_a_report_for_people_has_the_picture_and_where_the_mark_remains(
    installation: Installation, gateway: Gateway
) -> None:
    data = gateway.release(Order(prompt="a lake", seed=1)).data
    shown = installation.examiner.illustrate(data, "a.png")
    assert shown.report == installation.examiner.examine(data, "a.png")
    assert shown.preview is not None
    assert shown.evidence is not None
    sizes = {Image.open(io.BytesIO(jpeg)).size for jpeg in (shown.preview, shown.evidence)}
    assert sizes == {Image.open(io.BytesIO(data)).size}


def test_without_a_mark_or_pixels_there_are_fewer_pictures(installation: Installation) -> None:
    plain = installation.examiner.illustrate(save(Image.fromarray(photos.astronaut()), "PNG"))
    assert plain.preview is not None
    assert plain.evidence is None
    film = installation.examiner.illustrate(HEIC)
    assert (film.preview, film.evidence, film.thumbnails) == (None, None, {})


@pytest.mark.parametrize("longest", [0, 64])
def test_what_a_watermark_was_moved_from_is_shown_if_its_credential_has_a_thumbnail(
    build: Build, installation: Installation, longest: int
) -> None:
    released = build(thumbnail=longest).release(ORDER)
    elsewhere = installation.codec.embed(
        np.ascontiguousarray(photos.astronaut()[:384, :384]), released.admitted.mark_id
    )
    illustrated = installation.examiner.illustrate(save(Image.fromarray(elsewhere), "PNG"))
    assert "mark_moved" in [reason.code for reason in illustrated.report.reasons]
    assert (illustrated.issued is not None) is (longest > 0)
    if illustrated.issued is not None:
        with Image.open(io.BytesIO(illustrated.issued)) as shown:
            assert max(shown.size) == longest
    assert installation.examiner.illustrate(released.data).issued is None
