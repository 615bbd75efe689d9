import numpy as np
import pytest

from service.labels import PROFILES, Profile
from service.labels.visible import TEXTS, Language, Position, VisibleRule, draw, strictest
from watermark.tile.codec import MIN_EMBED_SIDE

SIZES = [(128, 128), (128, 300), (300, 128), (512, 384)]


def grey(size: tuple[int, int], value: int = 200) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("rule", [VisibleRule(), VisibleRule(area=0.1), VisibleRule(letter=0.06)])
def test_a_label_is_as_large_as_its_rule_and_changes_nothing_else(
    size: tuple[int, int], language: Language, rule: VisibleRule
) -> None:
    image = grey(size)
    labelled = draw(image, TEXTS[language], rule, "bottom-right")
    box = labelled.box
    assert box is not None
    ink = box.of(labelled.rgb)[..., 0] > 200
    rows = np.flatnonzero(ink.any(axis=1))
    assert rows[-1] - rows[0] + 1 >= rule.letter * min(size)
    assert box.of(image)[..., 0].size >= rule.area * size[0] * size[1]
    outside = labelled.rgb.copy()
    box.of(outside)[:] = 200
    assert (outside == image).all()
    assert (image == 200).all()


@pytest.mark.parametrize(
    ("position", "corner"),
    [("top-left", (0, 0)), ("top-right", (0, -1)), ("bottom-left", (-1, 0)), ("bottom-right", (-1, -1))],
)
def test_each_corner(position: Position, corner: tuple[int, int]) -> None:
    labelled = draw(grey((128, 128)), "AI-generated", VisibleRule(), position).rgb
    darkened = [place for place in ((0, 0), (0, -1), (-1, 0), (-1, -1)) if labelled[place][0] < 200]
    assert darkened == [corner]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_the_text_can_be_read_on_any_background(value: int) -> None:
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1."""
    labelled = draw(grey((128, 128), value), "AI-generated", VisibleRule(), "top-left")
    assert labelled.box is not None
    levels = labelled.box.of(labelled.rgb)[..., 0].astype(float) / 255
    light, dark = (((level + 0.055) / 1.055) ** 2.4 for level in (levels.max(), levels.min()))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("text", TEXTS.values())
@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_every_label_fits_into_the_smallest_image_that_can_be_marked(text: str, profile: Profile) -> None:
    for side in range(MIN_EMBED_SIDE, MIN_EMBED_SIDE + 40):
        draw(grey((side, side)), text, profile.label, "top-left")


def test_an_image_that_cannot_carry_a_label_is_an_error() -> None:
    with pytest.raises(ValueError, match="too small"):
        draw(grey((64, 64)), "AI-generated", VisibleRule(), "top-left")


def test_every_character_of_every_text_has_ink() -> None:
    """Pillow draws an empty frame for a character that its font lacks: all of those would look the same."""
    drawn = {}
    for character in sorted(set("".join(TEXTS.values())) - {" "}):
        labelled = draw(grey((128, 128), 0), character, VisibleRule(letter=0.2), "top-left")
        assert labelled.box is not None
        drawn[character] = labelled.box.of(labelled.rgb).tobytes()
    assert len(set(drawn.values())) == len(drawn)


def test_the_strictest_rule_keeps_all() -> None:
    together = strictest([VisibleRule(letter=0.05, language="de"), VisibleRule(letter=0.02, area=0.1, language="zh")])
    assert together == VisibleRule(letter=0.05, area=0.1, language="zh")
    assert strictest([]) == VisibleRule()
