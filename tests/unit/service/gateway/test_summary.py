"""What API and command line report about a released image."""

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.summary import summarize
from tests.support.gateway import ORDER, Build, Steerable
from tests.support.painter import Checker, finding


def test_it_has_what_a_caller_needs_to_find_the_image_again(gateway: Gateway) -> None:
    released = gateway.release(ORDER)
    summary = summarize(released)
    assert int(summary.mark_id, 16) == released.admitted.mark_id
    assert len(summary.mark_id) == 12
    assert (summary.content_id, summary.sha256) == (released.admitted.content_id, released.sha256)
    assert (summary.seed, summary.decision) == (7, released.decision)
    assert [(score.detector, score.label, score.score) for score in summary.safety] == [("scripted", "nsfw", 0.01)]
    assert (summary.warnings, summary.energy) == ([], None)


def test_warnings_of_the_model_come_along(gateway: Gateway) -> None:
    assert summarize(gateway.release(Order(prompt="an unread word", seed=1))).warnings == ["the painter does not read"]


def test_an_image_that_was_steered_says_so(build: Build) -> None:
    answers = iter([0.9, 0.1])
    checker = Checker(lambda images: [finding(next(answers))])
    released = build(Steerable(1), [checker], steering_retries=1).release(ORDER)
    assert "generated again" in summarize(released).warnings[-1]
