from typing import Any

import pytest

from tests.support.sdk_answers import NOW, code, parent, read, store
from watermark.c2pa.credential import Redaction
from watermark.c2pa.status import Integrity


def test_a_failed_reference_is_the_ingredients() -> None:
    uri = f"self#jumbf=/c2pa/{NOW}/c2pa.assertions/c2pa.ingredient.v3"
    found = read(store(ingredients=(parent(),), failure=(code("ingredient.manifest.mismatch", url=uri),)))
    assert found.ingredients[0].integrity is Integrity.ALTERED


def test_redactions_with_their_reasons() -> None:
    redacted = {"action": "c2pa.redacted", "reason": "c2pa.PII.present", "parameters": {"redacted": "self#jumbf=/a"}}
    actions = [{"label": "c2pa.actions.v2", "data": {"actions": [redacted]}}]
    found = read(store(redactions=["self#jumbf=/a", "self#jumbf=/b"], assertions=actions))
    assert found.redactions == (Redaction("self#jumbf=/a", "c2pa.PII.present"), Redaction("self#jumbf=/b"))


@pytest.mark.parametrize("data", [["x"], "x", 7, {"actions": ["x"]}, {"actions": {"a": 1}}])
def test_assertions_of_unknown_shape_lose_nothing_else(data: Any) -> None:
    found = read(store(assertions=[{"label": "c2pa.actions", "data": data}], title="kept"))
    assert (found.title, found.integrity) == ("kept", Integrity.MALFORMED)
    assert found.failures == ("assertion.malformed",)
