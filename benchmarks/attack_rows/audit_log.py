"""Attacks on the audit log: decisions cut off, rewritten or rolled back with the database, and sinks that lie.

    python benchmarks/attacks.py --only audit_log

Each function starts an installation of its own in a temporary folder and returns rows (name, before, after, held):
`before` is what version 0.1 did.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi.testclient import TestClient

from benchmarks.attack_rows import Row
from service.api import create_app
from service.installation import Installation, open_installation
from service.kit.errors import Error
from service.kit.home import LEDGER_FILE
from service.kit.settings import Settings
from service.ledger.merkle import stored_count
from service.ledger.proofs import InclusionProof, check_consistency
from tests.support.database import engine_of
from tests.support.gateway import builder
from tests.support.witness import Answer, Witness, running

ORDER = {"prompt": "a lake at dawn", "seed": 7}


@contextlib.contextmanager
def service(home: Path, *, required: str = "", optional: str = "") -> Iterator[tuple[Installation, TestClient]]:
    """An installation that paints, and a client of its API. The sinks are addresses."""
    installation = open_installation(
        Settings(
            home=home,
            threads=1,
            log_level="error",
            required_checkpoint_sinks=(required,) if required else (),
            checkpoint_sinks=(optional,) if optional else (),
            checkpoint_timeout=2,
        )
    )
    installation._gateway = builder(installation)()
    try:
        yield installation, TestClient(create_app(installation), raise_server_exceptions=False)
    finally:
        installation.close()


def outcome(client: TestClient) -> str:
    """What an order and a probe of readiness are answered now."""
    answer = client.post("/v1/images/generations", json=ORDER)
    code = "released" if answer.status_code == 200 else answer.json()["code"]
    return f"{code}, /readyz {client.get('/readyz').status_code}"


def rolled_back_at_start() -> list[Row]:
    """The database of yesterday comes back under a service whose checkpoints somebody else keeps."""
    rows = []
    for kind in ("required", "optional"):
        with tempfile.TemporaryDirectory() as folder:
            home, sink = Path(folder) / "home", f"file:{folder}/checkpoints"
            yesterday = Path(folder) / "yesterday"
            with service(home, **{kind: sink}) as (_, client):
                outcome(client)
            shutil.copyfile(home / LEDGER_FILE, yesterday)
            with service(home, **{kind: sink}) as (_, client):
                outcome(client)
            for rest in home.glob(f"{LEDGER_FILE}*"):
                rest.unlink()
            shutil.copyfile(yesterday, home / LEDGER_FILE)
            try:
                with service(home, **{kind: sink}) as (_, client):
                    after = outcome(client)
            except Error as refused:
                after = f"refused at start ({refused.code})"
        held = "released" not in after and "200" not in after
        rows.append(Row(f"older database restored, {kind} file of checkpoints", "released, /readyz 200", after, held))
    return rows


def down(body: str, honest: Callable[[str], Answer]) -> Answer:
    return 503, ""


def lies(body: str, honest: Callable[[str], Answer]) -> Answer:
    return 200, honest(body)[1].replace("w ", "w AAAA")


def forks(body: str, honest: Callable[[str], Answer]) -> Answer:
    return 409, "999999\n"


def witnesses() -> list[Row]:
    """A required witness that is down, lies or says it has seen more, and a second sink that is not required."""
    rows = []
    with running(Witness()) as witness:
        address = f"{witness.url}#{witness.verifier}"
        for name, behave in (("is down", down), ("gives a wrong cosignature", lies), ("has seen more", forks)):
            witness.behave = behave
            for kind, expected in (
                ("required", "checkpoint_not_taken, /readyz 503"),
                ("optional", "released, /readyz 200"),
            ):
                with tempfile.TemporaryDirectory() as folder, service(Path(folder), **{kind: address}) as (_, client):
                    after = outcome(client)
                rows.append(Row(f"{kind} witness {name}", "no witness", after, after == expected))
    return rows


def history() -> list[Row]:
    """Somebody with the database cuts off or rewrites the newest decisions, with their hashes and the tree."""
    rows = []
    for name, more in (("cut off", 0), ("rewritten", 2)):
        with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as (installation, client):
            for _ in range(3):
                outcome(client)
            noted = installation.log.checkpoint()
            with engine_of(installation.ledger).begin() as connection:
                connection.exec_driver_sql("DELETE FROM manifests WHERE image > 1")
                connection.exec_driver_sql("DELETE FROM images WHERE number > 1")
                connection.exec_driver_sql("DELETE FROM decisions WHERE seq > 1")
                connection.exec_driver_sql(f"DELETE FROM merkle_nodes WHERE number >= {stored_count(1)}")
            try:
                for number in range(more):
                    installation.ledger.refuse(f"urn:uuid:{number}", {"code": "unsafe"})
            except Error as refused:
                rows.append(
                    Row(f"newest decisions {name}, while serving", "not found", f"closed ({refused.code})", True)
                )
                continue
            alone = installation.ledger.verify().problems
            against = installation.ledger.verify(against=noted.head).problems
        after = "found against an older checkpoint" if against else "not found"
        rows.append(Row(f"newest decisions {name}, with their tree", "not found", after, not alone and bool(against)))
    return rows


def outsiders() -> list[Row]:
    """What somebody with the public key alone can check, which version 0.1 gave nobody."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as (installation, client):
        answer = client.post("/v1/images/generations", json=ORDER).json()
        old = installation.log.checkpoint()
        proof = InclusionProof.parse(answer["countermark"]["images"][0]["proof"])
        proof.verify(installation.log.verifier)
        outcome(client)
        new = installation.log.checkpoint()
        check_consistency(old, new, installation.log.consistency(old.size, new.size))
    return [Row("an outsider checks one decision and the growth of the log", "impossible", "both hold", True)]


ATTACKS = (rolled_back_at_start, witnesses, history, outsiders)
