import pytest

from service.access.client import OPERATOR
from service.api.dependencies import services_of
from service.installation import Installation
from service.jobs.queue import NewJob
from service.kit.errors import Unavailable
from service.ledger.publisher import CheckpointPublisher
from tests.support.database import engine_of
from tests.support.operators import Signed, appeal, held_image, keeping, notice


def facts(page: str) -> str:
    """The page without line breaks and tags between a figure and its name."""
    return " ".join(page.replace("</dt><dd>", " ").replace("</a>", "").split())


def test_it_counts_what_waits_and_what_is_in_progress(operator: Signed, installation: Installation) -> None:
    keeping(installation)
    held_image(installation)
    notice(installation)
    notice(installation, "c" * 64)
    appeal(installation)
    installation.jobs.submit(NewJob("inspection", 1, {"request": b"[]"}), OPERATOR)
    orders = services_of(operator.client.app).order_capacity  # type: ignore[arg-type]
    with orders.reserve(3):
        page = facts(operator.open())
    for told in ("Held images 1<", "Takedown notices 2<", "Appeals 1<", "Jobs 1<", f"3 of at most {orders.capacity}"):
        assert told in page
    assert "off: this installation only examines" in page


def test_it_says_why_nothing_can_be_released(
    operator: Signed, monkeypatch: pytest.MonkeyPatch, installation: Installation
) -> None:
    def closed(_: object) -> str:
        raise Unavailable("a required witness did not answer")

    monkeypatch.setattr(CheckpointPublisher, "status", closed)
    monkeypatch.setattr(type(installation), "warnings", lambda _: ["the certificate expires"])
    page = operator.open()
    for told in ("Nothing can be released", "a required witness did not answer", "the certificate expires"):
        assert told in page


def test_without_a_ledger_there_is_no_overview(operator: Signed, installation: Installation) -> None:
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE operator_sessions RENAME TO lost")
    assert operator.client.get("/operator").status_code == 503
