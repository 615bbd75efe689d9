"""The commands of docs/jobs.md, as they are there, against a real server."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from service.api import create_app
from service.installation import Installation
from service.kit.clock import utc_now
from service.media.pictures import encode
from tests.support.pages import blocks, section
from tests.support.painter import landscape
from tests.support.waiting import served

PAGE = "docs/jobs.md"
ADDRESS = "localhost:8000"
UUIDGEN = "" if shutil.which("uuidgen") else "uuidgen() { cat /proc/sys/kernel/random/uuid; }\n"
with_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@pytest.fixture
def address(painted_installation: Installation) -> Iterator[str]:
    with served(create_app(painted_installation)) as url:
        yield url.removeprefix("http://")


def run(commands: str, folder: Path) -> str:
    return subprocess.run(
        ["sh", "-ec", UUIDGEN + commands], capture_output=True, text=True, check=True, cwd=folder
    ).stdout


@with_curl
def test_images_in_a_job(address: str, tmp_path: Path) -> None:
    (order,) = blocks(section(PAGE, "Images in a job"), "sh")
    head, _, body = run(order.replace(ADDRESS, address), tmp_path).replace("\r", "").partition("\n\n")
    assert "202" in head.splitlines()[0]
    job = json.loads(body)
    assert f"/v1/jobs/{job['id']}" in head
    assert (job["kind"], job["progress"]["total"]) == ("images.generation", 4)


@with_curl
def test_many_files_in_a_job(address: str, tmp_path: Path) -> None:
    image = encode(landscape(1, 64, 64), "png")[0]
    for name in ("one.jpg", "two.png"):
        (tmp_path / name).write_bytes(image)
    for name in ("more.zip", "all.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("three.png", image)
    (orders,) = blocks(section(PAGE, "Many files in a job"), "sh")
    answers = [json.loads(run(line.replace(ADDRESS, address), tmp_path)) for line in orders.splitlines()]
    assert [answer["progress"]["total"] for answer in answers] == [3, 1]


def test_a_receiver_checks_messages_with_the_library() -> None:
    (program,) = blocks(section(PAGE, "Being told"), "python")
    secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"type": "job.succeeded"}', utc_now()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }
    names = {"request_body": body, "request_headers": headers}
    exec(program.replace("whsec_...", secret), names)
    assert names["message"] == {"type": "job.succeeded"}
