import pytest

from service.api.model_names import ModelNames
from service.kit.errors import BadRequest
from service.kit.settings import OPENAI_MODELS, Settings

NAMES = ModelNames("scenes-256", {"dall-e-2": None, "gpt-image-1": "scenes-256", "sdxl": "stable-diffusion-xl"})


def test_the_models_own_name_comes_first_and_aliases_of_other_models_are_left_out() -> None:
    assert list(NAMES) == ["scenes-256", "dall-e-2", "gpt-image-1"]


@pytest.mark.parametrize("asked", [None, "", "scenes-256"])
def test_the_model_itself_needs_no_warning(asked: str | None) -> None:
    assert NAMES.warnings(asked) == ()


@pytest.mark.parametrize("asked", ["dall-e-2", "gpt-image-1"])
def test_an_alias_is_answered_with_the_models_name(asked: str) -> None:
    (warning,) = NAMES.warnings(asked)
    assert asked in warning
    assert "scenes-256" in warning


@pytest.mark.parametrize("asked", ["sdxl", "another"])
def test_other_names_are_refused(asked: str) -> None:
    with pytest.raises(BadRequest, match="scenes-256"):
        NAMES.warnings(asked)


def test_the_operator_sets_them(settings: Settings) -> None:
    assert list(ModelNames.of("m", settings)) == ["m", *OPENAI_MODELS]
    own = settings.model_copy(update={"model_aliases": ("a", "b=m", "c=other")})
    assert ModelNames.of("m", own).aliases == {"a": None, "b": "m", "c": "other"}
