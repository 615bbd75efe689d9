"""The rows of issued images."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, bindparam, func, select, type_coerce

from service.storage.hashes import HashRows, read_hashes
from service.storage.session import Repository, values_of
from service.storage.tables import images as table
from service.storage.tables import manifests


@dataclass(frozen=True, slots=True)
class Issue:
    """One issued image. `created_at` has whole seconds, `fingerprint` is 32 bytes of PDQ, hashes are hex SHA-256."""

    mark_id: int
    content_id: str
    created_at: dt.datetime
    mime: str
    width: int
    height: int
    sha256: str
    fingerprint: bytes
    fingerprint_quality: int
    manifest: bytes
    model: str
    model_digest: str
    seed: int
    prompt_digest: str


@dataclass(frozen=True, slots=True)
class RawImage:
    """An image's row exactly as the database holds it, for the audit: every field of `Issue`, unparsed."""

    content_id: str
    fields: Mapping[str, object]


_FIELDS = tuple(Issue.__dataclass_fields__)
# Put together once: every image that is examined is looked up by each of these.
_BY_MARK, _BY_SHA256, _BY_CONTENT_ID, _BY_NUMBER = (
    select(table).where(column == bindparam("key"))
    for column in (table.c.mark_id, table.c.sha256, table.c.content_id, table.c.number)
)
_BY_MANIFEST = (
    select(table).join(manifests, manifests.c.image == table.c.number).where(manifests.c.id == bindparam("key"))
)
_NEWEST = select(func.max(table.c.number))


class ImageRepository(Repository):
    """Issued images. Rows are never changed or deleted."""

    def add(self, image: Issue) -> int:
        """Store an image; its number. The writers' lock is held, so numbers grow in the order of commits."""
        number = self.newest() + 1
        self._session.insert(table, [{**values_of(image), "number": number}])
        return number

    def name_manifest(self, number: int, manifest_id: str) -> None:
        """Store the identifier of the image's manifest."""
        self._session.insert(manifests, [{"id": manifest_id, "image": number}])

    def by_manifest(self, manifest_id: str) -> Issue | None:
        """The image whose active manifest has this identifier."""
        return self._one(_BY_MANIFEST, manifest_id)

    def by_mark(self, mark_id: int) -> Issue | None:
        return self._one(_BY_MARK, mark_id)

    def by_sha256(self, sha256: str) -> Issue | None:
        return self._one(_BY_SHA256, sha256)

    def by_content_id(self, content_id: str) -> Issue | None:
        return self._one(_BY_CONTENT_ID, content_id)

    def by_number(self, number: int) -> Issue | None:
        return self._one(_BY_NUMBER, number)

    def newest(self) -> int:
        """The number of the newest image; 0 without any."""
        return int(self._session.read(_NEWEST).scalar_one() or 0)

    def fingerprints(self, after: int = 0) -> HashRows:
        """The fingerprints of images with a number greater than `after`, by number. Raises as `read_hashes`."""
        return read_hashes(self._session, table.c.number, table.c.fingerprint, table.c.number > after)

    def raw(self) -> Iterator[RawImage]:
        """Every row, unparsed, in the order of issue."""
        columns = [type_coerce(table.c[name], Text) if name == "created_at" else table.c[name] for name in _FIELDS]
        for row in self._session.tuples(select(*columns).order_by(table.c.number)):
            fields = dict(zip(_FIELDS, row, strict=True))
            yield RawImage(fields["content_id"], fields)

    def _one(self, query: Select[Any], key: int | str) -> Issue | None:
        row = self._session.read(query, key=key).first()
        if row is None:
            return None
        values = row._mapping
        return Issue(**{name: values[name] for name in _FIELDS})
