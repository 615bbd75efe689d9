from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from detectors.prompts import RuleHit
from models import ModelFault
from service.api.moderations import LONGEST_TEXT, ModerationRequest
from service.gateway.content_checks import ContentChecks
from service.installation import Installation
from tests.support.painter import Checker
from tests.support.prompts import Screen, evidence


def scripted(installation: Installation, answer: Callable[[str], object]) -> None:
    installation._content_checks = ContentChecks(Screen(answer), [Checker()], 0.5, 30)


def results(client: TestClient, wanted: object) -> list[dict[str, Any]]:
    response = client.post("/v1/moderations", json={"input": wanted})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_openais_categories_and_our_own(client: TestClient, installation: Installation) -> None:
    hit = RuleHit("names.x", "named_person", "refuse", 0, 1)
    found = replace(evidence((hit,), self_harm=0.95), named=frozenset({"x"}))
    scripted(installation, lambda text: found)
    (result,) = results(client, "x")
    assert result["flagged"]
    assert [name for name, holds in result["categories"].items() if holds] == ["self-harm"]
    assert result["category_scores"]["self-harm"] == 0.95
    assert result["category_scores"]["self-harm/intent"] == 0
    assert result["category_applied_input_types"]["self-harm"] == ["text"]
    assert result["category_applied_input_types"]["illicit/violent"] == []
    assert result["countermark"]["refused"] == ["named_person", "self_harm"]
    assert result["countermark"]["scores"]["named_person"] == 1


def test_each_text_has_a_result_and_parts_have_one_together(client: TestClient, installation: Installation) -> None:
    scripted(installation, lambda text: evidence(sexual=0.95 if "b" in text else 0.1))
    assert [each["flagged"] for each in results(client, ["a", "b"])] == [False, True]
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [each["flagged"] for each in results(client, parts)] == [True]


@pytest.mark.parametrize("url", ["https://example.com/a.png", "data:image/png;base64,eA=="])
def test_an_image_that_cannot_be_read(client: TestClient, installation: Installation, url: str) -> None:
    scripted(installation, lambda text: evidence())
    sent = {"input": [{"type": "image_url", "image_url": {"url": url}}]}
    assert client.post("/v1/moderations", json=sent).json()["code"] in ("bad_request", "unsupported_format")


def test_long_texts_have_an_end(client: TestClient) -> None:
    response = client.post("/v1/moderations", json={"input": ["x" * (LONGEST_TEXT // 2 + 1)] * 2})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "input")


def test_a_check_that_fails_is_no_answer(client: TestClient, installation: Installation) -> None:
    def fail(text: str) -> object:
        raise ModelFault("it is broken")

    scripted(installation, fail)
    response = client.post("/v1/moderations", json={"input": "x"})
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")


def test_inputs_are_grouped() -> None:
    assert [len(parts) for parts in ModerationRequest.model_validate({"input": ["a", "b"]}).inputs] == [1, 1]
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    assert [len(each) for each in ModerationRequest.model_validate({"input": parts}).inputs] == [2]
