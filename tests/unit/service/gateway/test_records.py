"""What is recorded of an order: evidence and digests, never its words."""

import json

from service.access.client import Client
from service.gateway import records
from service.gateway.options import GatewayOptions
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.kit.errors import LikenessRefused, PromptRefused, Unsafe
from service.media.pictures import ImageLimits
from tests.support.gateway import ORDER
from watermark import Codec

OPTIONS = GatewayOptions("A Provider", 0.5, 1.0, 1.0, ImageLimits(1, 1))


def test_the_statement_names_provider_model_and_mark(gateway: Gateway) -> None:
    released = gateway.release(ORDER)
    draft = released.proven.signed.marked.cleared.draft
    statement = records.statement(draft, OPTIONS, (256, 256))
    assert (statement.provider, statement.model, statement.model_digest) == ("A Provider", "painter", "0" * 64)
    assert (statement.content_id, statement.mark_id) == (released.admitted.content_id, released.admitted.mark_id)
    assert (statement.mark_algorithm, statement.resized, statement.energy) == (Codec.ALGORITHM, None, None)


def test_an_enlarged_image_says_how_and_from_what_size(gateway: Gateway) -> None:
    order = Order(prompt="a lake", seed=7, width=512, height=512, upscale="lanczos")
    draft = gateway.release(order).proven.signed.marked.cleared.draft
    resized = records.statement(draft, OPTIONS, (256, 256)).resized
    assert resized is not None
    assert (resized.drawn, "lanczos" in resized.method.lower()) == ((256, 256), True)


def test_the_row_describes_the_signed_file(gateway: Gateway) -> None:
    released = gateway.release(ORDER)
    signed = released.proven.signed
    row = records.row(signed, released.sha256, "digest")
    assert (row.sha256, row.prompt_digest, row.manifest) == (released.sha256, "digest", signed.manifest)
    assert (row.width, row.height, row.mime, row.seed) == (256, 256, "image/png", 7)
    assert row.model == "painter@1"
    assert row.fingerprint == signed.marked.imprint.fingerprint.bits


def test_the_decision_to_release_holds_its_evidence_and_no_words(gateway: Gateway) -> None:
    content = records.issued(gateway.release(ORDER, client=Client()).proven)
    assert content["findings"] == [
        {"detector": "scripted", "model": "0" * 64, "label": "nsfw", "score": 0.01},
    ]
    assert (content["grants"], content["adapters"], content["given"], content["steering"]) == ([], [], [], 0)
    assert not {"tenant", "energy", "review"} & set(content)
    assert ORDER.prompt not in json.dumps(content)


def test_the_decision_to_refuse_says_why() -> None:
    content = records.refused(Unsafe("the image (nsfw 0.90)", stage="screen"), Client("acme"), "model", "prompt")
    assert content == {
        "code": "moderation_blocked",
        "stage": "screen",
        "message": "the image (nsfw 0.90)",
        "model": "model",
        "prompt_digest": "prompt",
        "tenant": "acme",
    }


def test_a_refused_prompt_is_recorded_by_categories_and_rules_and_a_face_by_its_subject() -> None:
    prompt = records.refused(PromptRefused(["hate"], ["rule-1"]), Client(), "m", "p")
    assert (prompt["categories"], prompt["rules"]) == (("hate",), ("rule-1",))
    face = records.refused(LikenessRefused("a face", stage="screen", subject="S-1"), Client(), "m", "p")
    assert face["subject"] == "S-1"
