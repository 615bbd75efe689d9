from itertools import combinations

import numpy as np
import pytest

from detectors import declarations, read_metadata
from detectors.declared.metadata import Metadata
from service.kit.errors import Misconfigured
from service.kit.settings import Settings
from service.labels import PROFILES
from service.labels.labelling import NO_LABELS, Labels, missing, open_labels, profiles
from service.media.pictures import OutputFormat, encode
from tests.support.laws import EDITED, FACTS

COMBINATIONS = [names for size in range(1, 5) for names in combinations(PROFILES, size)]
PIXELS = np.full((128, 128, 3), 90, np.uint8)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif", "tiff"])
@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
def test_every_combination_reads_back_from_every_format(names: tuple[str, ...], form: OutputFormat) -> None:
    wanted = Labels(profiles(names)).metadata(FACTS)
    data, _ = encode(PIXELS, form, wanted)
    assert missing(wanted, read_metadata(data), form) == ()
    bare = missing(wanted, read_metadata(encode(PIXELS, form)[0]), form)
    assert set(bare) >= set(wanted.xmp)
    assert {each.origin for each in declarations(read_metadata(data))} == {"synthetic"}


def test_an_edit_declares_a_composite() -> None:
    data, _ = encode(PIXELS, "png", Labels(profiles(["eu-ai-act-50", "in-2026"])).metadata(EDITED))
    assert {each.origin for each in declarations(read_metadata(data))} == {"composite"}


def test_two_laws_that_want_one_field_want_one_value() -> None:
    for first, second in combinations(PROFILES.values(), 2):
        one, other = first.write(FACTS).xmp, second.write(FACTS).xmp
        assert all(one[name] == other[name] for name in one.keys() & other.keys())


def test_nothing_switched_on_writes_and_draws_nothing() -> None:
    assert not NO_LABELS.metadata(FACTS)
    assert missing(NO_LABELS.metadata(FACTS), Metadata(), "png") == ()
    labelled = NO_LABELS.drawn(PIXELS, wanted=False)
    assert labelled.rgb is PIXELS
    assert (labelled.text, labelled.box) == ("", None)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (Labels(), "AI-generated"),
        (Labels(profiles(["cn-gb45438", "in-2026"])), "AI生成"),
        (Labels(profiles(["cn-gb45438"]), language="de"), "KI-generiert"),
    ],
)
def test_the_language_is_the_operators_or_the_laws(labels: Labels, text: str) -> None:
    assert labels.drawn(PIXELS, wanted=True).text == text


def test_the_label_is_drawn_when_the_order_or_the_operator_wants_it() -> None:
    assert Labels(always_visible=True).drawn(PIXELS, wanted=False).box
    assert Labels().drawn(PIXELS, wanted=False).box is None


def test_labels_come_from_the_settings(settings: Settings) -> None:
    chosen = {
        "labels": ("in-2026", "ca-sb942"),
        "visible_label": True,
        "label_producer": "00119",
        "label_position": "top-left",
    }
    labels = open_labels(settings.model_copy(update=chosen))
    assert [profile.name for profile in labels.profiles] == ["ca-sb942", "in-2026"]
    assert (labels.always_visible, labels.producer, labels.position) == (True, "00119", "top-left")


def test_an_unknown_law_is_named() -> None:
    with pytest.raises(Misconfigured, match="eu-ai-act-5'") as caught:
        profiles(["eu-ai-act-5"])
    assert "eu-ai-act-50" in caught.value.hint
