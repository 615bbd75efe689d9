import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from fastapi.testclient import TestClient

from service.api.detect import AT_ONCE, MOST_FILES, _lines
from service.api.detection import DetectionService
from service.api.uploads import Upload
from tests.assets import hostile

IMAGE = hostile.save(hostile.picture(), "PNG")


class Recorder:
    """Answers with the name of a file; waits for `release` at the second one."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.cancelled: list[str] = []

    async def judge_or_report(self, upload: Upload, threshold_fpr: float | None) -> str:
        try:
            if upload[1] == "b":
                await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.append(upload[1])
            raise
        return upload[1]


def lines(recorder: Recorder, *names: str) -> AsyncIterator[str]:
    return _lines(cast(DetectionService, recorder), [(b"", name) for name in names], None)


def test_a_line_is_sent_before_the_next_file_is_judged_and_in_order() -> None:
    async def main() -> list[str]:
        recorder = Recorder()
        stream = lines(recorder, "a", "b", "c")
        first = await anext(stream)
        recorder.release.set()
        return [first, *[line async for line in stream]]

    assert asyncio.run(main()) == ["a", "b", "c"]


def test_a_caller_who_leaves_stops_the_work() -> None:
    async def main() -> list[str]:
        recorder = Recorder()
        stream = cast(Any, lines(recorder, "a", "b"))
        await anext(stream)
        await asyncio.sleep(0)
        await stream.aclose()
        await asyncio.sleep(0)
        return recorder.cancelled

    assert asyncio.run(main()) == ["b"]


def test_so_many_files_are_judged_at_once_and_no_more() -> None:
    async def main() -> tuple[list[str], int]:
        recorder = Recorder()
        stream = lines(recorder, "b", *map(str, range(2 * AT_ONCE)))
        asyncio.get_running_loop().call_soon(lambda: started.append(len(asyncio.all_tasks())))
        asyncio.get_running_loop().call_later(0.01, recorder.release.set)
        return [line async for line in stream], started[0]

    started: list[int] = []
    found, tasks = asyncio.run(main())
    assert found == ["b", *map(str, range(2 * AT_ONCE))]
    assert tasks == AT_ONCE + 1  # and this one


def test_a_bare_file_that_cannot_be_read_is_the_status(client: TestClient) -> None:
    response = client.post("/v1/detect", content=IMAGE[:60])
    assert (response.status_code, response.json()["code"]) == (422, "broken_picture")


def test_a_wrong_rate_is_found_before_any_file_is_read(client: TestClient) -> None:
    response = client.post("/v1/detect", params={"threshold_fpr": 0.5}, content=b"text")
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


def test_at_most_so_many_files(client: TestClient) -> None:
    files = [("file", (f"{number}.txt", b"x")) for number in range(MOST_FILES + 1)]
    assert client.post("/v1/detect", files=files).status_code == 400
    assert len(client.post("/v1/detect", files=files[:-1]).text.splitlines()) == MOST_FILES
