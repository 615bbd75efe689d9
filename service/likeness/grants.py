"""Grants: what subjects allowed, with a signed receipt each; and uses: what was made under them."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from service.kit.case_numbers import fresh_reference
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, LikenessRefused, NotFound
from service.ledger.ledger import Ledger
from service.likeness.receipts import Signer, digest
from service.likeness.schemas import LONGEST_GRANT, SCOPES, Grant, Scope, State, Use
from service.likeness.subjects import Subjects, check_here
from service.moderation.blocklist import WITHDRAWN, Blocklist
from service.moderation.hash_lists import LEAST_QUALITY, Listed
from service.storage import grants, reading, uses


class Grants:
    """The grants of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        blocklist: Blocklist,
        signer: Signer,
        people: Subjects,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._blocklist = blocklist
        self.signer = signer
        self._people = people
        self._clock = clock

    def give(self, subject: str, purpose: str, scopes: Sequence[Scope], grantee: str, lasts: dt.timedelta) -> Grant:
        """Store what a subject allowed.

        Raises:
            NotFound: there is no such subject.
            BadRequest: no scope, an unknown one, or a time that is none.
        """
        self._people.row(subject)
        if not scopes or set(scopes) - set(SCOPES):
            raise BadRequest("a grant needs known scopes", hint=f"Choose from {', '.join(SCOPES)}.")
        if not dt.timedelta(0) < lasts <= LONGEST_GRANT:
            raise BadRequest("a grant lasts from a moment to five years", hint="Choose another time.")
        if not (0 < len(purpose) <= 200 and 0 < len(grantee) <= 100):
            raise BadRequest("purpose and grantee are 1 to 200 and 1 to 100 characters", hint="Shorten them.")
        number, now = fresh_reference("G"), self._clock().replace(microsecond=0)
        named = [scope for scope in SCOPES if scope in scopes]
        receipt = self.signer.sign(number, subject, purpose, list(named), grantee, now, now + lasts)
        row = {
            "id": number, "subject": subject, "purpose": purpose, "scopes": " ".join(named), "grantee": grantee,
            "created_at": stamp(now), "expires_at": stamp(now + lasts),
            "receipt": receipt, "receipt_digest": digest(receipt),
        }  # fmt: skip

        def write(connection: Connection) -> None:
            check_here(connection, subject)
            connection.execute(grants.insert().values(**row))

        self._record(subject, {"action": "granted", "grant": number, "receipt": digest(receipt)}, write)
        return self.of(number)

    def revoke(self, grant: str) -> Grant:
        """End a grant now, if it has not ended before; what renders under it is not released. Raises NotFound."""
        found = self.of(grant)
        if found.revoked_at is not None:
            return found
        now = stamp(self._clock())

        def write(connection: Connection) -> None:
            open_ = (grants.c.id == grant) & grants.c.revoked_at.is_(None)
            connection.execute(grants.update().where(open_).values(revoked_at=now))

        self._record(found.subject, {"action": "revoked", "grant": grant}, write)
        return self.of(grant)

    def of(self, grant: str) -> Grant:
        """One grant. Raises NotFound."""
        with reading(self._ledger.engine) as connection:
            row = connection.execute(select(grants).where(grants.c.id == grant)).first()
        if row is None:
            raise NotFound("there is no such grant", hint="Check the number.")
        return self._grant(row)

    def grants_of(self, subject: str) -> list[Grant]:
        """Every grant of a subject, oldest first."""
        query = select(grants).where(grants.c.subject == subject).order_by(grants.c.created_at, grants.c.id)
        with reading(self._ledger.engine) as connection:
            return [self._grant(row) for row in connection.execute(query)]

    def made_out_to(self, grantee: str) -> list[Grant]:
        """Every grant to somebody, oldest first."""
        query = select(grants).where(grants.c.grantee == grantee).order_by(grants.c.created_at, grants.c.id)
        with reading(self._ledger.engine) as connection:
            return [self._grant(row) for row in connection.execute(query)]

    def permitted(self, wanted: Sequence[str], scope: Scope, grantee: str) -> list[Grant]:
        """The named grants, all live, for this scope and grantee.

        Raises:
            LikenessRefused: one does not exist, has ended, or allows something else.
        """
        return [self._permitted(number, scope, grantee) for number in dict.fromkeys(wanted)]

    def using(self, connection: Connection, wanted: Sequence[str], content_id: str) -> None:
        """Note in an open transaction that an image was made under these grants.

        Raises:
            LikenessRefused: one of them was revoked or has expired meanwhile.
        """
        now = stamp(self._clock())
        for number in wanted:
            live = (grants.c.id == number) & grants.c.revoked_at.is_(None) & (grants.c.expires_at > now)
            if connection.execute(select(grants.c.id).where(live)).first() is None:
                raise LikenessRefused(f"grant {number} ended while the image was made", stage="issue")
            connection.execute(uses.insert().values(grant=number, content_id=content_id, at=now))

    def uses_of(self, subject: str) -> list[Use]:
        """Every image made under the subject's grants, oldest first."""
        query = select(uses).join(grants, grants.c.id == uses.c.grant).where(grants.c.subject == subject)
        with reading(self._ledger.engine) as connection:
            return [Use(**row._mapping) for row in connection.execute(query.order_by(uses.c.at))]

    def withdraw(self, subject: str, content_id: str) -> None:
        """Block an image that was made under the subject's grants, and all that looks like it.

        Raises:
            NotFound: no such image was made under them.
        """
        image = self._ledger.by_content_id(content_id)
        if image is None or content_id not in {use.content_id for use in self.uses_of(subject)}:
            raise NotFound("no such image was made under this subject's grants", hint="List them first.")
        hashes = [Listed("sha256", image.sha256, "")]
        if image.fingerprint_quality >= LEAST_QUALITY:  # a picture with few features looks like many others
            hashes.append(Listed("pdq", image.fingerprint.hex(), ""))
        now = stamp(self._clock())

        def write(connection: Connection) -> None:
            connection.execute(uses.update().where(uses.c.content_id == content_id).values(withdrawn_at=now))
            self._blocklist.adding(connection, hashes, WITHDRAWN, subject, active=True)

        self._record(subject, {"action": "withdrawn", "content_id": content_id}, write)

    def _permitted(self, number: str, scope: Scope, grantee: str) -> Grant:
        try:
            grant = self.of(number)
        except NotFound as unknown:
            raise LikenessRefused(unknown.message, stage="admit") from unknown
        if grant.state != "live":
            raise LikenessRefused(f"grant {number} is {grant.state}", stage="admit")
        if scope not in grant.scopes:
            raise LikenessRefused(f"grant {number} does not allow `{scope}`", stage="admit")
        if grant.grantee != grantee:
            raise LikenessRefused(f"grant {number} was given to somebody else", stage="admit")
        return grant

    def _grant(self, row: Row[Any]) -> Grant:
        state: State = "live"
        if row.expires_at <= stamp(self._clock()):
            state = "expired"
        if row.revoked_at is not None:
            state = "revoked"
        return Grant(**{**row._mapping, "scopes": row.scopes.split()}, state=state)

    def _record(self, subject: str, content: dict[str, Any], write: Callable[[Connection], None]) -> None:
        self._ledger.record("consent", subject, content, write)
