"""The pixel watermark: embed a mark id in an image, and extract it again after the image was changed.

Method: keyed luma noise in tiles of 64 x 64 samples, four over the short side (two and a half over that of small
images). A quarter of a tile's frequencies are a template that repeats and locates the tiles; the others carry a
convolutionally coded payload with a keyed check. The keys are a pool, chosen by the id. Older key epochs are read but
not written.

Formats: in `org.countermark.tile.1` the message repeats with the tile, so it can be estimated from one image. In
`org.countermark.tile.2` every tile has the message under phases of its own, with signs that depend on the content. New
marks are of format two; both are read.

False positives: at most `MAX_ATTEMPTS` candidates per image, over all keys, epochs and formats, count as soon as they
pass the check. A decoded word passes the 32-bit check by chance once in 2**32 times, and then has the right four
version bits once in 2**4: the signs of the symbols are keyed, so noise decodes uniformly to all words. Further
candidates, at most `MAX_CONFIRMED`, must also agree so well with what was heard that each passes with a probability of
at most 2**-50. An unmarked image, or one of another keyring, is read as marked with a probability of at most
64 / 2**36 + 2**16 / 2**50, under 1e-9.

Limits: no pixel mark survives regeneration by a diffusion model, and whoever holds many images marked under one key
can estimate the template and subtract it.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.errors import BadImage, TooSmall, WatermarkNotReadable
from watermark.tile import payload, trellis
from watermark.tile.canvas import luma, resized
from watermark.tile.carriers import Over, PositionedTiles, RepeatedTile
from watermark.tile.embedding import imprint
from watermark.tile.keyring import Keyring
from watermark.tile.known_mark import KnownMark, canonical_shape, strongest
from watermark.tile.looks import MIN_EXTRACT_SIDE, Effort, Look, Looks
from watermark.tile.pattern import Pattern
from watermark.tile.reader import MAX_ATTEMPTS, EpochReader
from watermark.tile.reading import Extraction, Presence, Reading

MIN_EMBED_SIDE: Final = 128
"""Smallest short side, in pixels, that can be marked. Every image measured at this size survived unchanged copies, JPEG
75, WebP 80 and crops to three quarters, but not halving. From 512 all targets hold (docs/watermark.md)."""


class Codec:
    """Embeds and extracts the marks of one keyring. Immutable and thread-safe."""

    ALGORITHM: Final = "org.countermark.tile.2"
    """Name of the soft-binding algorithm of new marks."""
    ALGORITHMS: Final = {payload.REPEATED: "org.countermark.tile.1", payload.POSITIONED: ALGORITHM}
    """Every algorithm that is read, by the version of its payload."""
    VERSION: Final = payload.POSITIONED

    def __init__(self, keyring: Keyring, *, version: int = VERSION) -> None:
        """`version`: the format that is written, 1 or 2. The first is for comparisons and for tests of old marks."""
        if version not in self.ALGORITHMS:
            raise ValueError(f"There is no watermark format {version}; use one of {sorted(self.ALGORITHMS)}.")
        self._version = version
        share = MAX_ATTEMPTS // len(keyring.epochs)
        self._readers = [EpochReader(epoch, number, share) for number, epoch in enumerate(keyring.epochs)]

    def embed(self, rgb: NDArray[np.uint8], mark_id: int) -> NDArray[np.uint8]:
        """Mark `rgb` (uint8[H, W, 3]) with `mark_id` (in [0, 2**48)); returns a new array of the same shape.

        The result is deterministic for an image, id and keyring. The unchanged copy and one as JPEG 90 are read before
        it is returned. A mark of this keyring that the image already carries is kept readable if both can be.

        Raises:
            BadImage: not uint8[H, W, 3].
            TooSmall: the short side is less than `MIN_EMBED_SIDE` pixels.
            BadMarkId: the id is out of range.
            WatermarkNotReadable: the mark could not be read back: strong noise, or a regular pattern with the tile's
                pitch.
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EMBED_SIDE:
            raise TooSmall(
                f"An image of {rgb.shape[1]} x {rgb.shape[0]} pixels is too small to mark; "
                f"its short side must be at least {MIN_EMBED_SIDE} pixels."
            )
        newest = self._readers[0]
        code_word = trellis.encode(payload.seal(mark_id, newest.epoch.check, self._version))
        earlier = self.read(rgb, Effort.ISSUED).readings
        patterns = self._free_patterns(mark_id, earlier)
        if earlier:
            every = {mark_id, *(reading.mark_id for reading in earlier)}
            with suppress(WatermarkNotReadable):
                return imprint(rgb, code_word, patterns, self._over(newest), lambda marked: self._finds(every, marked))
        return imprint(rgb, code_word, patterns, self._over(newest), lambda marked: self._finds({mark_id}, marked))

    def extract(self, rgb: NDArray[np.uint8], *, fast: bool = False) -> Reading | None:
        """Return the mark of this keyring in `rgb` (uint8[H, W, 3], any size), or None; of several, the first found.

        `fast`: look only for images that were turned by up to ten degrees from a quarter turn, with nearly the same
        aspect, and in their own colours. It takes half of the time of a full search that finds nothing.

        Raises:
            BadImage: not uint8[H, W, 3].
        """
        _require_rgb(rgb)
        stages = Looks(rgb, self._readers).stages(Effort.FAST if fast else Effort.USUAL)
        heard = (each for stage in stages for look in stage.looks for each in look.heard)
        return next((each.reading for each in heard if each.reading is not None), None)

    def read(
        self, rgb: NDArray[np.uint8], effort: Effort = Effort.USUAL, *, beside: Collection[int] = ()
    ) -> Extraction:
        """Everything that is read in `rgb` (uint8[H, W, 3], any size): every mark, and whether there seems to be one.

        The search ends where a mark was read. `beside`: ids that do not end it, because others are looked for.

        Raises:
            BadImage: not uint8[H, W, 3].
        """
        _require_rgb(rgb)
        readings: dict[int, Reading] = {}
        best: Presence | None = None
        for stage in Looks(rgb, self._readers).stages(effort):
            for presence in self._taken(stage.looks, readings):
                best = presence if best is None or presence.p_value < best.p_value else best
            if readings.keys() - set(beside):
                deque(self._taken(stage.further, readings), maxlen=0)
                break
        return Extraction(tuple(readings.values()), best)

    def look_for(self, rgb: NDArray[np.uint8], mark_id: int, issued: tuple[int, int]) -> KnownMark:
        """How strongly `rgb` (uint8[H, W, 3]) carries the mark of an image that it looks like, or lacks it.

        For images whose id cannot be read. `issued`: (height, width) in pixels of the image that was issued with
        `mark_id`; `rgb` must show it as it was, at most resized, but may have been compressed, blurred or denoised.

        Raises:
            BadImage: not uint8[H, W, 3].
            BadMarkId: the id is out of range.
        """
        _require_rgb(rgb)
        if min(rgb.shape[:2]) < MIN_EXTRACT_SIDE:
            return KnownMark(0.0, 0.0, 1)
        image = resized(luma(np.ascontiguousarray(rgb)), *canonical_shape(issued))
        return strongest(trace for reader in self._readers for trace in reader.known.traces(image, mark_id))

    @staticmethod
    def _taken(looks: Iterable[Look], readings: dict[int, Reading]) -> Iterator[Presence]:
        """Take every look: add what it reads to `readings`, by id, and give how clearly a template was heard."""
        for look in looks:
            heard = list(look.heard)
            for reading in (each.reading for each in heard if each.reading is not None):
                readings.setdefault(reading.mark_id, reading)
            if (score := max((each.template for each in heard), default=0.0)) > 0:
                yield Presence.of(score, look.trials)

    def _over(self, reader: EpochReader) -> Over:
        """How the format that is written lays a pattern over an image."""
        if self._version == payload.REPEATED:
            return RepeatedTile
        return partial(PositionedTiles, positions=reader.positioned.positions, content=reader.positioned.content)

    def _free_patterns(self, mark_id: int, earlier: Sequence[Reading]) -> list[Pattern]:
        """The pool's patterns in the order in which `mark_id` tries them, without those of `earlier` marks if possible.

        Two messages under one key drown each other.
        """
        newest = self._readers[0]
        chosen, keys = newest.epoch.choose(mark_id), len(newest.patterns)
        taken = {reading.key for reading in earlier if reading.epoch == 0}
        order = [*range(chosen, keys), *range(chosen)]
        return [newest.patterns[key] for key in [key for key in order if key not in taken] or order]

    def _finds(self, wanted: set[int], rgb: NDArray[np.uint8]) -> bool:
        """Whether every mark of `wanted` is read from `rgb`."""
        first = self.extract(rgb)
        if first is None or {first.mark_id} == wanted:
            return first is not None
        return wanted <= {reading.mark_id for reading in self.read(rgb, Effort.ISSUED).readings}


def _require_rgb(rgb: NDArray[np.uint8]) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        found = f"{rgb.dtype}{list(rgb.shape)}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise BadImage(f"Expected an RGB image as uint8[H, W, 3], got {found}; convert it first.")
