"""The ledger and the lists on PostgreSQL: one chain whoever writes, schema as the code says, faults with words."""

import contextlib
import datetime as dt
from multiprocessing.synchronize import Barrier

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from detectors import fingerprint
from service.kit.errors import Misconfigured, NotFound, Unavailable
from service.ledger.ledger import Issue, Ledger
from service.moderation.blocklist import Blocklist
from service.moderation.hash_lists import Listed
from service.storage.engine import open_engine
from service.storage.tables import REVISION, metadata
from tests.support.database import engine_of
from tests.support.painter import landscape
from tests.support.processes import CONTEXT

EACH = 15
DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def image(number: int) -> Issue:
    bits = np.random.default_rng(number).bytes(32)
    digest = f"{number:064x}"
    return Issue(number, f"urn:uuid:{number}", DAY, "image/png", 8, 8, digest, bits, 90, b"m", "m@1", "d", 1, "p")


def test_tables_and_migrations_agree(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_what_was_issued_is_found_and_tampering_shows(ledger: Ledger) -> None:
    wanted = image((1 << 48) - 1)
    ledger.issue(wanted, {"findings": []})
    ledger.refuse("urn:uuid:2", {"code": "moderation_blocked"})
    assert ledger.by_mark(wanted.mark_id) == wanted
    assert ledger.by_sha256(wanted.sha256) == wanted
    assert ledger.similar(wanted.fingerprint, 31) == [(wanted, 0)]
    assert ledger.verify().problems == ()
    with pytest.raises(Unavailable, match="taken"):
        ledger.issue(wanted, {})
    with engine_of(ledger).begin() as connection:
        connection.execute(text("UPDATE images SET model = 'other'"))
    assert "changed after it was issued" in ledger.verify().problems[0]


def _write(url: str, first: int, gate: Barrier) -> None:
    gate.wait()
    ledger = Ledger.open(url)
    for number in range(first, first + EACH):
        ledger.issue(image(number), {})
    ledger.close()


def test_processes_that_start_and_write_at_once_keep_one_chain(empty_url: str) -> None:
    gate = CONTEXT.Barrier(3)
    writers = [CONTEXT.Process(target=_write, args=(empty_url, 1 + EACH * n, gate)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    ledger = Ledger.open(empty_url)
    audit = ledger.verify()
    ledger.close()
    assert (audit.decisions, audit.images, audit.problems) == (3 * EACH, 3 * EACH, ())


def test_a_list_is_shared_by_processes(ledger: Ledger, url: str) -> None:
    rgb = landscape(2, 200, 200)
    other = Ledger.open(url)
    here, elsewhere = Blocklist(ledger), Blocklist(other)
    assert elsewhere.match(rgb) is None
    assert here.add([Listed("pdq", fingerprint(rgb).bits.hex())], "ncii", "test") == 1
    assert elsewhere.match(rgb[:, ::-1]) is not None
    assert here.remove("ncii") == 1
    assert elsewhere.match(rgb) is None
    with pytest.raises(NotFound):
        here.remove("ncii")
    assert ledger.verify().problems == ()
    other.close()


def test_an_image_issued_elsewhere_is_found(ledger: Ledger, url: str) -> None:
    first, second = image(1), image(2)
    ledger.issue(first, {})
    assert ledger.similar(second.fingerprint, 31) == []
    with contextlib.closing(Ledger.open(url)) as other:
        other.issue(second, {})
    assert ledger.similar(second.fingerprint, 31) == [(second, 0)]
    assert ledger.similar(first.fingerprint, 31) == [(first, 0)]


def test_a_database_that_is_gone_is_unavailable(ledger: Ledger, url: str) -> None:
    ledger.close()
    nowhere = url.replace("test_", "gone_")
    with pytest.raises(Unavailable, match="cannot be opened"):
        Ledger.open(nowhere)


def test_a_driver_that_is_missing_is_named() -> None:
    with pytest.raises(Misconfigured, match="asyncpgx"):
        Ledger.open("postgresql+asyncpgx://localhost/x")
