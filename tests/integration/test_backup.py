"""The disk is lost while a server runs: a backup brings everything back, and what was released before is known."""

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.gateway.order import Order
from service.installation import Installation, open_installation
from service.kit.errors import LedgerMismatch, Unavailable
from service.recovery.backup import back_up
from service.recovery.restore import restore
from tests.support.gateway import builder

PASSPHRASE = b"correct horse battery staple"


def test_a_lost_disk(painted_installation: Installation, tmp_path: Path) -> None:
    running, home = painted_installation, painted_installation.settings.home
    before = running.gateway.release(Order(prompt="a lake at dawn", seed=1))
    back_up(running, tmp_path / "backup", passphrase=PASSPHRASE)
    after = running.gateway.release(Order(prompt="a lake at dusk", seed=2))
    with TestClient(create_app(running), raise_server_exceptions=False) as client:
        assert client.get("/readyz").status_code == 200
        shutil.rmtree(home)
        with pytest.raises(Unavailable, match="moved or deleted"):
            running.gateway.release(Order(prompt="a lake at noon", seed=3))
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "moved or deleted" in answer.json()["detail"]
        assert client.post("/v1/inspect", files={"file": ("x.png", before.data, "image/png")}).status_code == 503
    running.close()

    restore(running.settings, tmp_path / "backup", passphrase=PASSPHRASE)
    again = open_installation(running.settings)
    assert again.ledger.verify(before.decision).problems == ()
    assert again.examiner.examine(before.data).verdict.value == "issued_here"
    assert again.ledger.by_sha256(after.sha256) is None, "it was released after the backup"
    issued = builder(again)().release(Order(prompt="a lake at night", seed=4))
    assert again.examiner.examine(issued.data).verdict.value == "issued_here"
    assert again.ledger.verify(before.decision).problems == ()
    again.close()


def test_a_ledger_moved_away_while_serving(painted_installation: Installation) -> None:
    running, path = painted_installation, painted_installation.settings.home / "ledger.db"
    with TestClient(create_app(running), raise_server_exceptions=False) as client:
        path.rename(path.with_name("moved.db"))
        answer = client.post("/v1/images/generations", json={"prompt": "a lake"})
        assert answer.status_code == 503
        assert "data" not in answer.json()
        path.with_name("moved.db").rename(path)
        assert client.get("/readyz").status_code == 503, "closed until a restart"
        assert client.get("/healthz").status_code == 200
    running.close()
    again = open_installation(running.settings)
    assert (again.ledger.ready(), again.ledger.verify().images) == (0, 0)
    again.close()
    path.unlink()
    with pytest.raises(LedgerMismatch):
        open_installation(running.settings)
    assert not path.exists()
