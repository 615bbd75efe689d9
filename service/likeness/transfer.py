"""Moving to another installation: subjects as a file, and back. It holds biometric data in clear."""

import json
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select

from service.keys.vault import Sealed, Vault
from service.kit.clock import stamp
from service.kit.errors import BadRequest
from service.ledger.ledger import Ledger
from service.likeness.grants import Grants
from service.likeness.schemas import Enrolled, from_text
from service.likeness.subjects import PreparedTemplates, Subjects
from service.storage import reading, templates


class Transfer:
    """Writes and reads the registry's file."""

    def __init__(self, ledger: Ledger, vault: Vault, people: Subjects, grants: Grants) -> None:
        self._ledger = ledger
        self._vault = vault
        self._people = people
        self._grants = grants

    def export(self) -> str:
        """Every subject with its templates and receipts as JSON. It holds biometric data in clear: guard the file."""
        return json.dumps(
            {"version": 1, "subjects": [self._exported(s.id) for s in self._people.everybody() if not s.erased_at]}
        )

    def import_(self, text: str) -> list[Enrolled]:
        """Take in what `export` wrote, all or nothing; numbers and PINs are new, grants are not carried over: their
        receipts name another installation.

        Raises:
            BadRequest: it is no export.
        """
        try:
            whole = json.loads(text)
            people = [_Import.model_validate(one) for one in whole["subjects"]]
            ready = [self._prepared(person) for person in people]
        except (ValueError, KeyError, TypeError) as bad:
            raise BadRequest(
                f"this is no export of a registry: {type(bad).__name__}", hint="Nothing was taken in."
            ) from bad

        def write(connection: Connection) -> None:
            for one in ready:
                one.write(connection)

        if ready:
            numbers = [one.told.subject for one in ready]
            self._ledger.record("consent", "registry", {"action": "imported", "subjects": numbers}, write)
        return [one.told for one in ready]

    def _prepared(self, person: "_Import") -> PreparedTemplates:
        faces = [from_text(text) for text in person.templates]
        until = stamp(person.retain_until) if person.retain_until else None
        return self._people.prepare(person.name, faces, person.model, protected=person.protected, until=until)

    def _exported(self, subject: str) -> dict[str, Any]:
        row = self._people.row(subject)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(select(templates).where(templates.c.subject == subject)).all()
        opened = [self._vault.open(Sealed(row.wrapped_key, one.sealed), subject)["embedding"] for one in rows]
        return {
            "name": self._people.name(subject),
            "protected": row.protected,
            "retain_until": row.retain_until,
            "model": rows[0].model,
            "templates": opened,
            "receipts": [grant.receipt for grant in self._grants.grants_of(subject)],
        }


class _Import(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(max_length=200)
    protected: bool
    model: str = Field(pattern=r"^[0-9a-f]{64}$")
    retain_until: AwareDatetime | None = None
    templates: list[str] = Field(min_length=1, max_length=50)
