"""The visible label: white text on a darkened box, drawn into the pixels before they are watermarked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Language = Literal["en", "de", "es", "fr", "zh"]
Position = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

TEXTS: Mapping[Language, str] = {
    "en": "AI-generated",
    "de": "KI-generiert",
    "es": "Generado con IA",
    "fr": "Contenu IA",
    "zh": "AI生成",
}
"""The label in each language. China's must name both AI and generation (GB 45438-2025, section 4)."""

_DARKNESS = 0.6  # white on the darkest mixture of white and black is then 5.7:1; WCAG 2.2 asks for 4.5:1
_PADDING = 0.4  # of the height of a letter
_STROKE = 0.085  # of the em, of a drawn character
_ADVANCE = 1.05
_FRAME = 1.16  # of a letter's height: the lines of a character do not fill their square
_SMALLEST_LETTER = 9  # pixels
_LARGER = 4  # drawn so many times larger, then reduced: Pillow's lines have hard edges

# Pillow's font has no Chinese. These two characters are lines on a square of 100 by 100.
_STROKES: Mapping[str, Sequence[Sequence[tuple[int, int]]]] = {
    "生": [
        [(30, 6), (24, 24), (11, 42)],
        [(26, 27), (88, 27)],
        [(20, 57), (82, 57)],
        [(54, 6), (54, 91)],
        [(7, 91), (94, 91)],
    ],
    "成": [
        [(22, 27), (94, 27)],
        [(22, 27), (21, 60), (8, 94)],
        [(22, 50), (47, 50), (46, 72), (43, 80), (33, 79)],
        [(55, 5), (59, 42), (70, 72), (85, 92), (91, 93), (95, 76)],
        [(84, 40), (71, 66), (48, 90)],
        [(72, 7), (83, 18)],
    ],
}
_EM_OF_LETTER = 60 / 42  # of Pillow's font: its capitals are 42/60 of its size


@dataclass(frozen=True, slots=True)
class VisibleRule:
    """How large a label must be at least, and in which language it is unless the operator chooses one.

    `letter`: height of a capital or character, as a share of the shorter side. `area`: of the box, as a share of the
    image.
    """

    letter: float = 0.05
    area: float = 0.0
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels: from `left` and `top` up to, without, `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    def of(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """That part of an image (uint8[H, W, 3])."""
        return rgb[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """An image (uint8[H, W, 3]) with its label; `box` is None and `text` empty if none was drawn."""

    rgb: NDArray[np.uint8]
    text: str = ""
    box: Box | None = None


def draw(rgb: NDArray[np.uint8], text: str, rule: VisibleRule, position: Position) -> Labelled:
    """The image with a label that keeps to `rule`. Nothing outside the box changes.

    Raises:
        ValueError: the image is too small for a label that can be read.
    """
    height, width = rgb.shape[:2]
    letter = max(math.ceil(rule.letter * min(height, width)), _SMALLEST_LETTER)
    words = _words(text, letter)
    padding = math.ceil(_PADDING * letter)
    box = _box(words.shape, padding, (height, width), rule.area, position)
    if words.shape[1] + 2 * padding > width or words.shape[0] + 2 * padding > height:
        raise ValueError(f"an image of {width} x {height} pixels is too small for the label {text!r}")
    labelled = rgb.copy()
    under = labelled[box.top : box.bottom, box.left : box.right].astype(np.float32) * (1 - _DARKNESS)
    top = (under.shape[0] - words.shape[0]) // 2
    left = padding if "left" in position else under.shape[1] - words.shape[1] - padding
    ink = np.zeros((*under.shape[:2], 1), np.float32)
    ink[top : top + words.shape[0], left : left + words.shape[1], 0] = words
    labelled[box.top : box.bottom, box.left : box.right] = np.round(under * (1 - ink) + 255 * ink).astype(np.uint8)
    return Labelled(labelled, text, box)


def strictest(rules: Sequence[VisibleRule]) -> VisibleRule:
    """One rule that keeps all of `rules`. The language is Chinese if one of them wants it, else the first one's."""
    languages = [rule.language for rule in rules] or ["en"]
    return VisibleRule(
        letter=max((rule.letter for rule in rules), default=VisibleRule().letter),
        area=max((rule.area for rule in rules), default=0.0),
        language="zh" if "zh" in languages else languages[0],
    )


def _box(words: tuple[int, ...], padding: int, size: tuple[int, int], area: float, position: Position) -> Box:
    """The box in its corner; a strip over the whole width if it must cover a share of the image."""
    height, width = size
    tall, wide = min(words[0] + 2 * padding, height), min(words[1] + 2 * padding, width)
    if area:
        tall, wide = max(tall, math.ceil(area * height)), width
    left = 0 if "left" in position else width - wide
    top = 0 if "top" in position else height - tall
    return Box(left, top, left + wide, top + tall)


def _words(text: str, letter: int) -> NDArray[np.float32]:
    """The text as ink (float32[h, w] in 0..1), cut to its edges; its letters are at least `letter` pixels high."""
    em = math.ceil(letter * _EM_OF_LETTER) * _LARGER
    font = ImageFont.load_default(em)
    drawn = Image.new("L", (2 * em * max(len(text), 1), 2 * em))
    pen, x = ImageDraw.Draw(drawn), 0.0
    top = em - font.getbbox("A", anchor="ls")[3]
    for character in text:
        if strokes := _STROKES.get(character):
            side = math.ceil(letter * _LARGER * _FRAME)
            for stroke in strokes:
                points = [(x + side * a / 100, top - side + side * b / 100) for a, b in stroke]
                pen.line(points, fill=255, width=round(_STROKE * side), joint="curve")
            x += _ADVANCE * side
        else:
            pen.text((x, top), character, font=font, fill=255, anchor="ls")
            x += font.getlength(character)
    cut = drawn.crop(drawn.getbbox())
    small = cut.resize((max(cut.width // _LARGER, 1), math.ceil(cut.height / _LARGER)), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)
