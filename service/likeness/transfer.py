"""Moving subjects to another installation: export to a file, and import. The file has biometric data in clear text."""

import json

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.keys.vault import Sealed, Vault
from service.kit.clock import stamp
from service.kit.errors import BadRequest
from service.ledger.ledger import Ledger
from service.likeness.grants import Grants
from service.likeness.schemas import Enrolled, from_text
from service.likeness.subjects import PreparedSubject, Subjects, sealed_name
from service.storage import Repositories, SubjectRow


class Transfer:
    """Exports and imports the registry."""

    def __init__(self, ledger: Ledger, vault: Vault, people: Subjects, grants: Grants) -> None:
        self._ledger = ledger
        self._vault = vault
        self._people = people
        self._grants = grants

    def export(self) -> str:
        """Every subject with templates and receipts, as JSON. It has biometric data in clear text: protect the file."""
        with self._ledger.read() as stored:
            people = [self._exported(stored, row) for row in stored.subjects.all() if row.erased_at is None]
        return json.dumps({"version": 1, "subjects": people})

    def import_(self, text: str) -> list[Enrolled]:
        """Import what `export` wrote, all or nothing. Ids and PINs are new. Grants are not carried over: their receipts
        name another installation.

        Raises:
            BadRequest: it is not an export.
        """
        try:
            whole = json.loads(text)
            people = [_Import.model_validate(one) for one in whole["subjects"]]
            prepared = [self._prepared(person) for person in people]
        except (ValueError, KeyError, TypeError) as bad:
            raise BadRequest("this is not an export of a registry", hint="Nothing was imported.") from bad
        if prepared:
            with self._ledger.decision("consent", "registry") as transaction:
                for one in prepared:
                    one.store(transaction)
                transaction.record(action="imported", subjects=[one.enrolled.subject for one in prepared])
        return [one.enrolled for one in prepared]

    def _prepared(self, person: "_Import") -> PreparedSubject:
        faces = [from_text(text) for text in person.templates]
        return self._people.prepare(
            person.name, faces, person.model, protected=person.protected, until=person.retain_until
        )

    def _exported(self, stored: Repositories, row: SubjectRow) -> dict[str, object]:
        key = sealed_name(row)
        model = stored.templates.of(row.id)[-1].model  # the newest: an export has the templates of one model
        templates = stored.templates.of(row.id, model)
        opened = [self._vault.open(Sealed(key.wrapped_key, one.sealed), row.id)["embedding"] for one in templates]
        return {
            "name": self._vault.open(key, row.id)["name"],
            "protected": row.protected,
            "retain_until": stamp(row.retain_until) if row.retain_until else None,
            "model": model,
            "templates": opened,
            "receipts": [grant.receipt for grant in stored.grants.of_subject(row.id)],
        }


class _Import(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(max_length=200)
    protected: bool
    model: str = Field(pattern=r"^[0-9a-f]{64}$")
    retain_until: AwareDatetime | None = None
    templates: list[str] = Field(min_length=1, max_length=50)
