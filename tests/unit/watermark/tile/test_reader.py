from collections.abc import Iterator, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.watermark.tile.pictures import Rgb, photo, resized
from watermark import Codec, Keyring
from watermark.tile import payload, trellis
from watermark.tile.candidates import Candidate, View
from watermark.tile.canvas import luma, scaled
from watermark.tile.pattern import TILE
from watermark.tile.positioned import PositionedReader
from watermark.tile.reader import (
    CONFIRMED_AGREEMENT,
    MAX_ATTEMPTS,
    MAX_CONFIRMED,
    QUICK_ATTEMPTS,
    EpochReader,
    Heard,
)
from watermark.tile.reading import Reading
from watermark.tile.search import CLEAR_SCORE, Grid
from watermark.tile.spectrum import FineSpectrum

KEYRING = Keyring.from_secret(b"a secret for the tests")
MARK_ID = 0xC0FFEE123456


@cache
def marked() -> Rgb:
    return Codec(KEYRING).embed(photo("astronaut"), MARK_ID)


@cache
def reader(number: int = 0) -> EpochReader:
    return EpochReader(KEYRING.epochs[0], number, MAX_ATTEMPTS)


def view(rgb: Rgb) -> View:
    grey = luma(rgb)
    sides = (rgb.shape[0], rgb.shape[1])
    return View(scaled(grey, min(1.0, 256 / min(grey.shape))), sides, sides, (0, 0))


def first(heard: Iterator[Heard]) -> Reading | None:
    return next((each.reading for each in heard if each.reading is not None), None)


def found(rgb: Rgb) -> Reading | None:
    seen = view(rgb)
    return first(reader().search(seen, FineSpectrum(seen.level, seen.pitch)))


def grid(score: float) -> Grid:
    return Grid(score, 0, np.zeros(4), (0.0, 0.0), np.zeros(1, np.complex64))


@pytest.mark.parametrize(("width", "height"), [(512, 512), (400, 400), (300, 300), (640, 640)])
def test_a_resized_image_is_read_without_a_search(width: int, height: int) -> None:
    reading = first(reader().resized(view(resized(marked(), width, height))))
    assert reading is not None
    assert reading.mark_id == MARK_ID
    assert reading.scale == pytest.approx(1)
    assert (reading.rotation_degrees, reading.mirrored) == (0, False)
    assert 0 < reading.confidence <= 1


def test_a_clear_message_is_decoded_before_the_next_size_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is heard later must be confirmed: the attempt is spent."""
    listened: list[int] = []
    decoded: list[tuple[int, bool]] = []
    issued, heard = PositionedReader.issued, EpochReader._heard

    def listen(self: PositionedReader, canonical: NDArray[np.float32], *rest: Any) -> list[tuple[float, Candidate]]:
        listened.append(min(canonical.shape))
        return issued(self, canonical, *rest)

    def decode(
        self: EpochReader, template: float, candidates: Sequence[Candidate], *, confirmed: bool = False
    ) -> Iterator[Heard]:
        decoded.extend((len(listened), confirmed) for one in candidates if one.version == payload.POSITIONED)
        return heard(self, template, candidates, confirmed=confirmed)

    monkeypatch.setattr(PositionedReader, "issued", listen)
    monkeypatch.setattr(EpochReader, "_heard", decode)
    looks = reader().resized(view(marked()))
    assert first(looks) is not None
    assert listened == [256]
    rest = list(looks)
    assert rest
    assert decoded[0] == (1, False)
    assert sum(not confirmed for _, confirmed in decoded) <= 2  # one for each normalisation


@pytest.mark.parametrize("change", [lambda x: np.rot90(x).copy(), lambda x: x[:, ::-1].copy()])
def test_a_turned_or_mirrored_image_needs_the_search(change: object) -> None:
    turned: Rgb = change(marked())  # type: ignore[operator]
    assert first(reader().resized(view(turned))) is None
    reading = found(turned)
    assert reading is not None
    assert reading.mark_id == MARK_ID
    assert (abs(round(reading.rotation_degrees)), reading.mirrored) in ((90, False), (0, True), (180, True))


def test_an_unmarked_image_is_not_read() -> None:
    assert first(reader().resized(view(photo("astronaut")))) is None


def test_another_keyring_reads_nothing() -> None:
    stranger = EpochReader(Keyring.from_secret(b"another secret for the tests").epochs[0], 0, MAX_ATTEMPTS)
    assert first(stranger.resized(view(marked()))) is None


def test_a_reading_names_its_epoch() -> None:
    reading = first(reader(2).resized(view(marked())))
    assert reading is not None
    assert (reading.epoch, reading.payload_version) == (2, 2)


def test_a_search_decodes_no_more_grids_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    few = EpochReader(KEYRING.epochs[0], 0, QUICK_ATTEMPTS + 3)

    def count(candidates: list[Candidate]) -> np.ndarray:
        nonlocal decoded
        decoded += len(candidates)
        return np.zeros((len(candidates), payload.PAYLOAD_BITS), np.uint8)

    monkeypatch.setattr(few, "_decoded", count)
    monkeypatch.setattr("watermark.tile.reader.Search.grids", lambda self, canvas: iter([grid(1.0)] * 100))
    seen = view(marked())
    assert first(few.search(seen, FineSpectrum(seen.canvas, seen.pitch))) is None
    assert decoded == 3


def test_a_second_view_takes_its_attempts_from_the_first() -> None:
    (alone,) = reader().shares(1)
    first, second = reader().shares(2)
    assert QUICK_ATTEMPTS + alone == 2 * QUICK_ATTEMPTS + first + second == MAX_ATTEMPTS
    assert first > second > 0
    assert EpochReader(KEYRING.epochs[0], 0, MAX_ATTEMPTS // 4).shares(2)[1] > 0


def test_clear_grids_are_decoded_one_by_one_and_faint_ones_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each as both formats, if format two is heard under it at all."""
    monkeypatch.setattr(EpochReader, "_positioned", lambda self, one, *_: [("two", one.score)] * (one.score > 3))
    monkeypatch.setattr(EpochReader, "_repeated", lambda self, one, *_: ("one", one.score))
    clear, clearer, faint, faintest = CLEAR_SCORE, CLEAR_SCORE + 2, CLEAR_SCORE - 1, 2.0
    grids = map(grid, [clearer, faint, clear, faintest])
    rounds: list[object] = list(reader()._located(view(photo("rocket")), grids))
    assert rounds == [
        (clearer, [("two", clearer), ("one", clearer)]),
        (clear, [("two", clear), ("one", clear)]),
        (faint, [("two", faint), ("one", faint), ("one", faintest)]),
    ]


def test_what_is_read_beyond_the_attempts_must_agree_clearly() -> None:
    """The bound on false readings: 64 / 2**36 for those, and 2**48 words x exp(-z**2 / 2) for each of the others."""
    by_check = MAX_ATTEMPTS * 2.0**-36
    confirmed = 2.0**48 * np.exp(-(CONFIRMED_AGREEMENT**2) / 2)
    assert by_check + MAX_CONFIRMED * confirmed < 1e-9
    clear = first(reader().resized(view(marked()), confirmed=True))
    assert clear is not None
    assert clear.mark_id == MARK_ID


def test_a_faint_word_is_not_confirmed() -> None:
    word = trellis.encode(payload.seal(MARK_ID, KEYRING.epochs[0].check, payload.POSITIONED))
    noise = np.random.default_rng(1).normal(0, 1, len(word)).astype(np.float32)
    candidates = [SimpleNamespace(soft=part, version=payload.POSITIONED) for part in (word + 4 * noise, word + noise)]
    bits = payload.seal(MARK_ID, KEYRING.epochs[0].check, payload.POSITIONED)
    read = [reader()._agrees(candidate.soft, trellis.encode(bits)) for candidate in candidates]
    assert read == [False, True]


def test_a_view_with_rough_edges_is_read_near_its_place() -> None:
    rough = view(np.ascontiguousarray(marked()[5:, 4:]))
    reading = first(reader().nearly_issued(rough))
    assert reading is not None
    assert reading.mark_id == MARK_ID


def test_a_look_says_how_clearly_the_template_was_heard() -> None:
    heard, silent = (
        max(each.template for each in reader().resized(view(rgb))) for rgb in (marked(), photo("astronaut"))
    )
    assert heard > 8 > 4.5 > silent
    assert reader().quick_trials > 1


def test_the_pitch_of_a_view_is_a_quarter_of_its_short_side() -> None:
    assert view(photo("chelsea", 640, 512)).pitch == TILE
    assert view(photo("chelsea", 200, 128)).pitch == TILE / 2
