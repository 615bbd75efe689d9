import pytest

from models import ModelFault
from service.examiner import assembly
from service.examiner.assembly import open_classifier, open_examiner
from service.examiner.lanes import LANES
from service.installation import Installation
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import CARDS_FOLDER
from service.kit.settings import Settings
from service.media.pictures import ImageLimits
from tests.support.classifiers import write_member
from tests.support.evidence import sources_of


def test_an_examiner_has_every_lane_in_order(installation: Installation) -> None:
    sources = sources_of(installation)
    assert [type(lane) for lane in open_examiner(sources, ImageLimits(1 << 20, 1 << 20))._lanes] == list(LANES)


def test_without_the_encoder_the_small_network_answers(settings: Settings) -> None:
    detector = open_classifier(settings)._detector
    assert detector._members == ()
    assert detector.encoder is None


def test_an_operators_classifier_is_opened_with_ours(settings: Settings) -> None:
    write_member(settings.home / CARDS_FOLDER)
    (member,) = open_classifier(settings)._detector._members
    assert member.card.identity == "redness@1"


def test_a_model_that_cannot_be_used_closes_the_classifier(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise ModelFault("it does not load")

    monkeypatch.setattr(assembly, "Synthetic", fail)
    with pytest.raises(Unavailable, match="does not load"):
        open_classifier(settings)


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_thresholds_that_cannot_be_read_are_a_wrong_setting(settings: Settings, text: str | None) -> None:
    file = settings.home.parent / "thresholds.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Misconfigured, match="thresholds"):
        open_classifier(settings.model_copy(update={"thresholds_file": file}))
