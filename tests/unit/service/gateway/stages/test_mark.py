"""Mark: the file shows the screened image and carries the mark, or it is refused."""

import io
import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    Unmarkable,
    Unsafe,
)
from service.media.pictures import encode
from tests.support.gateway import ORDER, Build, Deaf, Notary, raising, refused
from tests.support.painter import Checker, finding, landscape
from watermark import Reading
from watermark.errors import WatermarkNotReadable


def test_a_mark_that_does_not_read_back_is_refused(build: Build, installation: Installation) -> None:
    refusal = refused(build(codec=Deaf(installation.codec)), installation)
    assert refusal.stage == "mark"
    assert "mark" in refusal.message


def test_another_mark_is_refused(build: Build, installation: Installation) -> None:
    other = installation.codec.extract(installation.codec.embed(landscape(1, 256, 256), 1))
    assert isinstance(other, Reading)
    assert refused(build(codec=Deaf(installation.codec, other)), installation).stage == "mark"


def test_an_embedder_that_fails_is_refused(build: Build, installation: Installation) -> None:
    codec = Deaf(installation.codec)
    codec.embed = raising(MemoryError())
    assert refused(build(codec=codec), installation).stage == "mark"


def test_a_picture_that_drowns_the_mark_is_refused_for_itself(build: Build, installation: Installation) -> None:
    """Not as a stage that failed: trying again would only cost the same again."""
    codec = Deaf(installation.codec)
    codec.embed = raising(WatermarkNotReadable("it is a pattern of the tile's own pitch"))
    refusal = refused(build(codec=codec), installation)
    assert type(refusal) is Unmarkable
    assert (refusal.code, refusal.status, refusal.stage) == ("unmarkable", 422, "mark")
    assert "pitch" in refusal.message
    assert "seed" in refusal.hint


def test_the_mark_is_made_while_the_picture_is_checked(build: Build, installation: Installation) -> None:
    codec, begun, pixels = Deaf(installation.codec), threading.Event(), []

    def embed(rgb: NDArray[np.uint8], mark_id: int) -> NDArray[np.uint8]:
        begun.set()
        pixels.append(rgb)
        return installation.codec.embed(rgb, mark_id)

    codec.embed = embed
    codec.extract = installation.codec.extract
    checker = Checker(lambda images: [finding(0.0) for _ in images] if begun.wait(10) else [])
    released = build(codec=codec, checkers=[checker]).release(ORDER)
    assert pixels[0] is checker.seen[0] is released.proven.signed.marked.cleared.draft.rgb


@pytest.mark.parametrize("marking", ["works", "fails", "hangs"])
def test_what_is_refused_is_not_signed_whatever_came_of_its_mark(
    build: Build, installation: Installation, marking: str
) -> None:
    """The checks have the word, and do not wait for the mark that is made beside them."""
    codec, signed = Deaf(installation.codec), []
    begun, freed, ended = (threading.Event() for _ in range(3))

    def embed(rgb: NDArray[np.uint8], mark_id: int) -> NDArray[np.uint8]:
        begun.set()
        if marking == "fails":
            raise WatermarkNotReadable("a pattern")
        if marking == "hangs":
            freed.wait(10)
            ended.set()
        return installation.codec.embed(rgb, mark_id)

    codec.embed = embed
    checker = Checker(lambda images: begun.wait(10) and [finding(1.0)])
    notary = Notary(installation.credentials, sign=lambda *given: signed.append(given))
    refusal = refused(build(codec=codec, checkers=[checker], credentials=notary), installation)
    waited = ended.is_set()
    freed.set()
    assert type(refusal) is Unsafe
    assert not (marking == "hangs" and waited)
    assert signed == []


def test_a_file_that_shows_another_picture_is_refused(
    build: Build, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.gateway.stages import mark as module

    other = landscape(99, 256, 256)
    monkeypatch.setattr(module, "encode", lambda rgb, to, *more: encode(other, to, *more))
    refusal = refused(build(), installation)
    assert refusal.stage == "mark"
    assert "screened image" in refusal.message


@pytest.mark.parametrize(("compression", "quality"), [(None, 92), (80, 80), (100, 100), (10, 75)])
def test_the_file_has_the_quality_that_was_asked_for_and_the_mark_needs(
    gateway: Gateway, compression: int | None, quality: int
) -> None:
    released = gateway.release(Order(prompt="a lake", seed=7, format="jpeg", compression=compression))
    assert quantization(released.data) == quantization(encode(landscape(1, 64, 64), "jpeg", quality=quality)[0])


def quantization(data: bytes) -> object:
    with Image.open(io.BytesIO(data)) as file:
        assert isinstance(file, JpegImageFile)
        return file.quantization


def test_a_quality_that_the_mark_does_not_survive_is_the_orders_fault(build: Build, installation: Installation) -> None:
    codec = Deaf(installation.codec)
    order = ORDER.model_copy(update={"format": "jpeg", "compression": 80})
    refusal = refused(build(codec=codec), installation, order)
    assert type(refusal) is Unmarkable
    assert "output_compression" in refusal.hint


def test_the_mark_is_faint(gateway: Gateway) -> None:
    marked = gateway.release(ORDER).proven.signed.marked
    error = np.mean((marked.imprint.rgb.astype(float) - marked.cleared.draft.rgb) ** 2)
    assert 10 * np.log10(255**2 / error) > 36


def test_a_marker_that_swaps_the_picture_is_refused(build: Build, installation: Installation) -> None:
    """The mark reads back and the credential holds, but it is not the picture that was screened."""
    codec = Deaf(installation.codec)
    codec.embed = lambda rgb, mark_id: installation.codec.embed(landscape(99, 256, 256), mark_id)
    codec.extract = installation.codec.extract
    refusal = refused(build(codec=codec), installation)
    assert refusal.stage == "mark"
    assert "screened image" in refusal.message


def test_a_picture_too_small_for_the_mark_is_the_callers_fault(gateway: Gateway) -> None:
    with pytest.raises(BadRequest, match="too small"):
        gateway.release(Order(prompt="x", width=64, height=64))
