"""A ledger as the version before migration 0007 wrote it, with rows in every table.

`build` runs the migrations up to 0006 and inserts `ROWS` as SQL. Nothing here is taken from the present code: hashes
and formats are computed as that version computed them, so that a change of them today shows in the tests.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, create_engine

MIGRATIONS = Path(__file__).parents[2] / "service" / "storage" / "migrations"
GENESIS = "0" * 64

Row = Mapping[str, object]

ANN, BOB = "S-0000-0000-0000-000A", "S-0000-0000-0000-000B"
GRANT, REVOKED = "G-0000-0000-0000-0001", "G-0000-0000-0000-0002"
CASE, DUPLICATE, FORGOTTEN = "T-0000-0000-0000-0001", "T-0000-0000-0000-0002", "T-0000-0000-0000-0003"


def canonical(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def image(mark_id: int, second: int) -> Row:
    return {
        "mark_id": mark_id,
        "content_id": f"urn:uuid:{mark_id:08}-0000-4000-8000-000000000000",
        "created_at": f"2026-05-01T12:00:{second:02}+00:00",
        "mime": "image/png",
        "width": 512,
        "height": 768,
        "sha256": f"{mark_id:064x}",
        "fingerprint": bytes([mark_id]) * 32,
        "fingerprint_quality": 90,
        "manifest": b"\x00manifest" + bytes([mark_id]),
        "model": "painter@1",
        "model_digest": "d" * 64,
        "seed": 2**62 + mark_id,
        "prompt_digest": "p" * 64,
    }


def record(row: Row) -> str:
    fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def chain(decisions: Sequence[tuple[str, str, Mapping[str, object]]]) -> list[Row]:
    """Kind, subject and content of each decision, linked."""
    rows: list[Row] = []
    previous = GENESIS
    for seq, (kind, subject, content) in enumerate(decisions, 1):
        row: dict[str, object] = {
            "seq": seq,
            "at": f"2026-05-01T12:00:{seq:02}.{7 * seq:03}+00:00",
            "kind": kind,
            "subject": subject,
            "body": canonical(content),
            "previous": previous,
        }
        previous = hashlib.sha256(canonical(row).encode()).hexdigest()
        rows.append({**row, "hash": previous})
    return rows


# Issued in another order than their marks have.
IMAGES = [image(7, 3), image(2, 4), image(5, 5)]

ROWS: dict[str, Sequence[Row]] = {
    "decisions": chain(
        [
            ("tenant", "acme", {"action": "added"}),
            ("consent", ANN, {"action": "enrolled", "templates": 2, "protected": True}),
            ("issued", str(IMAGES[0]["content_id"]), {"record": record(IMAGES[0]), "confidence": 0.9875}),
            ("issued", str(IMAGES[1]["content_id"]), {"record": record(IMAGES[1]), "given": []}),
            ("issued", str(IMAGES[2]["content_id"]), {"record": record(IMAGES[2]), "tenant": "acmé"}),
            ("refused", "urn:uuid:4", {"code": "moderation_blocked"}),
            ("blocklist", "ncii", {"action": "add", "entries": 3}),
            ("takedown", CASE, {"action": "received"}),
            ("appeal", CASE, {"action": "filed"}),
            ("adapter", "style", {"action": "added", "digest": "e" * 64}),
            ("held", "urn:uuid:8", {"action": "kept", "subjects": [ANN, BOB]}),
            ("override", "urn:uuid:8", {"about": "held picture", "outcome": "released", "subjects": [ANN, BOB]}),
        ]
    ),
    "images": IMAGES,
    "blocklist": [
        {
            "id": number,
            "list": "ncii",
            "source": "test",
            "kind": kind,
            "hash": f"{number:064x}",
            "reason": "why",
            "added_at": "2026-05-02T08:00:00+00:00",
            "active": active,
            "revision": revision,
        }
        for number, kind, active, revision in ((1, "pdq", True, 1), (2, "pdq", False, 2), (3, "sha256", True, 1))
    ],
    "takedowns": [
        {
            "case": case,
            "pin_salt": bytes(16),
            "pin_hash": bytes(32),
            "received_at": "2026-05-03T00:00:00+00:00",
            "due_at": "2026-05-05T00:00:00+00:00",
            "status": status,
            "decided": decided,
            "decided_at": "2026-05-04T00:00:00+00:00" if decided else None,
            "operator": "Olga" if decided else None,
            "content_id": "urn:uuid:not-here",
            "sha256": None,
            "target": "urn:uuid:not-here",
            "duplicate_of": first,
            "wrapped_key": key,
            "sealed": key,
        }
        for case, status, decided, first, key in (
            (DUPLICATE, "received", None, CASE, b"key 2"),  # stored before the one that it refers to
            (CASE, "appealed", "removed", None, b"key 1"),
            (FORGOTTEN, "rejected", "rejected", None, None),
        )
    ],
    "appeals": [
        {
            "id": "A-0000-0000-0000-0001",
            "about": "takedown",
            "subject": CASE,
            "filed_at": "2026-05-04T01:00:00+00:00",
            "status": "filed",
            "resolved_at": None,
            "operator": None,
            "wrapped_key": b"key",
            "sealed": b"box",
        }
    ],
    "subjects": [
        {
            "id": subject,
            "created_at": "2026-04-01T00:00:00+00:00",
            "retain_until": until,
            "protected": protected,
            "pin_salt": bytes(16),
            "pin_hash": bytes(32),
            "wrapped_key": key,
            "sealed": key,
            "erased_at": erased,
        }
        for subject, until, protected, key, erased in (
            (ANN, "2027-04-01T00:00:00+00:00", True, b"key", None),
            (BOB, None, False, None, "2026-04-30T00:00:00+00:00"),
        )
    ],
    "templates": [{"id": number, "subject": ANN, "model": "c" * 64, "sealed": bytes([number])} for number in (3, 4)],
    "grants": [
        {
            "id": grant,
            "subject": subject,
            "purpose": "a poster",
            "scopes": scopes,
            "grantee": "acme",
            "created_at": "2026-04-02T00:00:00+00:00",
            "expires_at": "2027-04-02T00:00:00+00:00",
            "revoked_at": revoked,
            "receipt": f"receipt of {grant}",
            "receipt_digest": hashlib.sha256(grant.encode()).hexdigest(),
        }
        for grant, subject, scopes, revoked in (
            (GRANT, ANN, "portrait edit commercial", None),
            (REVOKED, BOB, "style", "2026-04-30T00:00:00+00:00"),
        )
    ],
    "uses": [
        {
            "grant": GRANT,
            "content_id": each["content_id"],
            "at": "2026-05-01T12:00:05+00:00",
            "withdrawn_at": withdrawn,
        }
        for each, withdrawn in ((IMAGES[0], None), (IMAGES[2], "2026-05-06T00:00:00+00:00"))
    ],
    "challenges": [{"id": "L-1", "poses": "front left front right", "expires_at": "2026-05-01T12:05:00+00:00"}],
    "tenants": [
        {
            "name": name,
            "prefix": f"cm_{name}",
            "digest": digest,
            "created_at": "2026-01-01T00:00:00+00:00",
            "rotated_at": None,
            "removed_at": removed,
            "safety_threshold": 0.25,
            "likeness_review_distance": None,
            "max_images": 3,
        }
        for name, digest, removed in (("acme", bytes(32), None), ("gone", None, "2026-02-01T00:00:00+00:00"))
    ],
    "held": [
        {
            "content_id": content_id,
            "tenant": tenant,
            "held_at": "2026-05-01T13:00:00+00:00",
            "until": "2026-05-08T13:00:00+00:00",
            "status": status,
            "subjects": subjects,
            "pixels": "f" * 64,
            "decided_at": "2026-05-01T14:00:00+00:00" if status == "released" else None,
            "operator": "Olga" if status == "released" else None,
            "wrapped_key": b"key",
            "words_key": b"key" if status == "released" else None,
            "words": b"box" if status == "released" else None,
        }
        for content_id, tenant, status, subjects in (
            ("urn:uuid:8", "acme", "released", f"{ANN} {BOB}"),
            ("urn:uuid:9", "", "waiting", ANN),
        )
    ],
}

HEAD = str(ROWS["decisions"][-1]["hash"])


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def leaf(decision: Row) -> bytes:
    entry = canonical({name: value for name, value in decision.items() if name != "hash"})
    return hashlib.sha256(b"\x00" + entry.encode()).digest()


ROOT = merkle_root([leaf(decision) for decision in ROWS["decisions"]]).hex()
REVISION_OF_THE_LISTS = 2


def migrate(engine: Engine, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def build(url: str) -> None:
    """Make the database at `url`, which is empty."""
    engine = create_engine(url)
    migrate(engine, "0006")
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            connection.execute(tables.tables[name].insert(), list(rows))
        counter = tables.tables["blocklist_revision"]
        connection.execute(counter.update().values(revision=REVISION_OF_THE_LISTS))
    engine.dispose()
