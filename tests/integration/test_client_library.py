"""`clients/python` against a real server, and against servers that fail."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from countermark_client import (
    ApiError,
    AsyncCountermark,
    Countermark,
    JobNotEnded,
    Retries,
    Unreachable,
    WebhookError,
    image_files,
    models,
    verify_webhook,
)

from scripts.client import MODELS, models_of
from service.api import create_app
from service.installation import Installation
from service.media.pictures import encode
from tests.support.painter import landscape
from tests.support.waiting import served

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"
AT_ONCE = Retries(first=0, longest=1)
BUSY = {
    **dict.fromkeys(("title", "detail", "hint"), "busy"),
    "status": 429,
    "code": "busy",
    "instance": "r",
    "error": {"message": "busy", "type": "busy", "param": None, "code": "busy"},
}


@pytest.fixture
def url(painted_installation: Installation) -> Iterator[str]:
    with served(create_app(painted_installation)) as address:
        yield address


@pytest.fixture
def photo() -> bytes:
    return encode(landscape(1, 128, 128), "jpeg")[0]


def test_its_models_are_those_of_the_api(painted_installation: Installation) -> None:
    assert models_of(create_app(painted_installation).openapi()) == MODELS.read_text("utf-8")


def test_what_is_generated_is_verified(url: str, photo: bytes) -> None:
    with Countermark(url) as countermark:
        images = countermark.generate("a lake", seed=3, n=2, output_format="jpeg")
        issued = image_files(images)
        assert len(issued) == 2
        assert countermark.inspect(issued[0]).verdict == "issued_here"
        edited = countermark.edit("a lake", photo, seed=1)
        assert countermark.inspect(image_files(edited)[0]).verdict == "edited_here"
        assert countermark.inspect(photo, name="photo.jpg").file == "photo.jpg"
        (found,) = countermark.detect([photo])
        assert isinstance(found, models.Detection)
        assert countermark.list_models().data
        assert countermark.ready().status == "ready"


def test_jobs_are_followed_to_their_end(url: str, photo: bytes) -> None:
    with Countermark(url) as countermark:
        drawing = countermark.start_generation("a lake", n=2)
        looking = countermark.start_inspection([photo, b"not an image"])
        assert countermark.wait(drawing.id, every=0.02).status == "succeeded"
        assert len(image_files(countermark.generation_result(drawing.id))) == 2
        assert countermark.wait(looking.id, every=0.02).progress.done == 2
        report, failure = countermark.inspection_result(looking.id)
        assert isinstance(report, models.Report)
        assert isinstance(failure, models.FailedInspection)
        assert countermark.cancel(looking.id).status == "succeeded"


def test_the_asynchronous_client_does_the_same(url: str, photo: bytes) -> None:
    async def program() -> models.Report:
        async with AsyncCountermark(url) as countermark:
            job = await countermark.start_inspection([photo])
            assert (await countermark.wait(job.id, every=0.02)).status == "succeeded"
            images = await countermark.generate("a lake")
            return await countermark.inspect(image_files(images)[0])

    assert asyncio.run(program()).verdict == "issued_here"


def test_a_refusal_says_what_to_do(url: str) -> None:
    with Countermark(url) as countermark, pytest.raises(ApiError, match="empty_prompt") as refused:
        countermark.generate(" ")
    assert refused.value.problem.hint


def test_the_readme_runs(url: str, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "a.jpg", "b.png"):
        Path(name).write_bytes(photo)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    code = "\n".join(blocks[:-1]).replace("http://127.0.0.1:8000", url).replace('api_key="..."', "api_key=None")
    exec(compile(code, str(README), "exec"), {})  # it is ours
    assert Path("fox.png").read_bytes().startswith(b"\x89PNG")


Handler = Callable[[httpx.Request], httpx.Response]


def failing(handler: Handler, retries: Retries = AT_ONCE) -> Countermark:
    return Countermark("http://server", retries=retries, transport=httpx.MockTransport(handler))


def test_an_order_is_sent_again_under_the_same_key() -> None:
    keys: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(429, json=BUSY, headers={"retry-after": "0"})

    with failing(handler) as countermark, pytest.raises(ApiError, match="busy"):
        countermark.generate("a lake")
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_server_that_is_not_there_is_told_apart_from_a_refusal() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with failing(gone) as countermark, pytest.raises(Unreachable, match="after 3 attempts"):
        countermark.ready()


@pytest.mark.parametrize("status", [200, 404, 503])
def test_an_answer_of_another_server_is_not_read_as_ours(status: int) -> None:
    with (
        failing(lambda _: httpx.Response(status, text="<html>")) as countermark,
        pytest.raises(Unreachable, match=f"status {status}"),
    ):
        countermark.ready()


@pytest.mark.parametrize(("asked", "attempt", "pause"), [("7", 1, 7.0), ("7", 3, None), ("31", 1, None)])
def test_it_waits_as_long_as_the_server_asks_and_for_no_quota_of_tomorrow(
    asked: str, attempt: int, pause: float | None
) -> None:
    assert Retries().pause(attempt, {"retry-after": asked}) == pause


def test_without_a_wish_pauses_double() -> None:
    pauses = [Retries(attempts=4).pause(attempt, {}) for attempt in (1, 2, 3)]
    assert all(each is not None and 0.25 * 2**n <= each <= 0.5 * 2**n for n, each in enumerate(pauses))


def test_who_will_not_wait_longer_is_told() -> None:
    running: dict[str, Any] = {"id": "J", "kind": "inspection", "status": "running", "created_at": "now"}
    running |= {"progress": {"done": 0, "total": 1}, "cancelling": False}
    with failing(lambda _: httpx.Response(200, json=running)) as countermark, pytest.raises(JobNotEnded, match="J"):
        countermark.wait("J", seconds=0)


SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = json.dumps({"type": "job.ended", "data": {}}).encode()


def signed(body: bytes = BODY, seconds_ago: float = 0) -> dict[str, str]:
    number, sent = "msg_1", str(int(time.time() - seconds_ago))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = hmac.new(key, f"{number}.{sent}.".encode() + body, hashlib.sha256).digest()
    value = "v1,AAAA v1," + base64.b64encode(signature).decode()  # of an older key, and of this one
    return {"Webhook-Id": number, "Webhook-Timestamp": sent, "Webhook-Signature": value}


def test_a_webhook_of_the_server_is_read() -> None:
    assert verify_webhook(BODY, signed(), SECRET) == {"type": "job.ended", "data": {}}


@pytest.mark.parametrize(
    ("body", "headers", "secret", "why"),
    [
        (BODY + b" ", signed, SECRET, "not the server's"),
        (BODY, lambda: signed(seconds_ago=1000), SECRET, "too old"),
        (BODY, dict, SECRET, "missing"),
        (BODY, lambda: {**signed(), "Webhook-Timestamp": "soon"}, SECRET, "malformed"),
        (BODY, signed, "whsec_?", "malformed"),
        (b"[]", lambda: signed(b"[]"), SECRET, "no event"),
        (b"{", lambda: signed(b"{"), SECRET, "no JSON"),
    ],
)
def test_anything_else_is_not(body: bytes, headers: Callable[[], dict[str, str]], secret: str, why: str) -> None:
    with pytest.raises(WebhookError, match=why):
        verify_webhook(body, headers(), secret)
