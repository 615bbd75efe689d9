import datetime as dt
import json

import pytest
from typer.testing import CliRunner

from service.access.client import OPERATOR
from service.cli.app import app
from service.installation import Installation
from service.jobs.queue import NewJob
from service.kit.errors import NotFound, Unsafe
from service.storage import DeliveryRow

runner = CliRunner()


@pytest.fixture
def jobs(installation: Installation) -> list[str]:
    """A job that waits and one that failed."""
    waiting = installation.jobs.submit(NewJob("inspection", 3, {"in-0": b"a red fox"}), OPERATOR)
    row = installation.jobs.claim("me")
    assert row is not None
    installation.jobs.end(row, "me", "failed", Unsafe("it was refused", stage="screen"))
    again = installation.jobs.submit(NewJob("inspection", 3, {"in-0": b"a red fox"}), OPERATOR)
    return [again.id, waiting.id]


def run(*words: str) -> str:
    done = runner.invoke(app, ["jobs", *words])
    assert done.exit_code == 0, done.exception
    return done.output


def test_listing_and_showing(jobs: list[str]) -> None:
    assert {json.loads(line)["id"] for line in run("list", "--json").splitlines()} == set(jobs)
    assert len(run("list", "--json", "--most", "1").splitlines()) == 1
    assert "failed" in run("list")
    told = json.loads(run("show", jobs[1], "--json"))
    assert (told["status"], told["error"], told["attempts"]) == ("failed", "moderation_blocked", 1)
    text = run("show", jobs[1])
    assert "message: it was refused" in text
    assert "fox" not in text


def test_cancelling(jobs: list[str]) -> None:
    assert run("cancel", jobs[0]) == f"{jobs[0]} is cancelled.\n"
    assert json.loads(run("cancel", jobs[1], "--json"))["status"] == "failed"
    assert isinstance(runner.invoke(app, ["jobs", "cancel", "J-NONE"]).exception, NotFound)


def test_dead_letters(installation: Installation) -> None:
    installation.webhooks._check = lambda url: "example.com"
    installation.webhooks.set("https://example.com/")
    now = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    with installation.ledger.write() as stored:
        webhook = stored.webhooks.of("")
        assert webhook is not None
        for number in ("msg_1", "msg_2"):
            row = DeliveryRow(number, webhook.id, "J-1", "{}", now, now, "dead", 10, outcome="status 500")
            stored.deliveries.add(row)
    first = json.loads(run("dead-letters", "--json").splitlines()[0])
    assert (first["message"], first["attempts"], first["outcome"]) == ("msg_1", 10, "status 500")
    assert "msg_2" in run("dead-letters")
    assert run("resend", "msg_1") == "1 to be sent again.\n"
    assert json.loads(run("resend", "--all", "--json")) == {"resent": ["msg_2"]}
    assert run("dead-letters", "--json") == ""
    assert runner.invoke(app, ["jobs", "resend"]).exit_code == 2
    assert runner.invoke(app, ["jobs", "resend", "msg_1", "--all"]).exit_code == 2
