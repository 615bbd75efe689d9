from service.kit.errors import Busy, PinTooShort, PromptRefused
from service.presentation.messages import messages
from service.web.error_view import of_error


def test_words_for_people_where_there_are_some() -> None:
    busy = of_error(Busy("too many orders", retry_after=7), "id", messages("de"), "a.png")
    assert (busy.title, busy.retry_after, busy.file) == ("Im Augenblick zu viel zu tun", "7", "a.png")
    assert (busy.detail, busy.advice_language) == ("Too many orders.", "de")


def test_else_the_hint_of_the_error_in_its_language() -> None:
    short = of_error(PinTooShort("x"), "id", messages("de"))
    assert (short.advice, short.advice_language) == (PinTooShort.hint, "en")
    assert short.title == "Das hat nicht geklappt"


def test_a_refusal_names_what_to_appeal_against() -> None:
    refused = PromptRefused(["weapons"]).amended(content_id="urn:uuid:1")
    assert of_error(refused, "id", messages("en")).appeal == "urn:uuid:1"
