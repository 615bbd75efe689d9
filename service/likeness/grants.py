"""Grants: what subjects allowed, each with a signed receipt; and uses: the images that were generated under them."""

import datetime as dt
from collections.abc import Callable, Sequence

from service.kit.case_numbers import new_case_number
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, LikenessRefused, NotFound
from service.ledger.ledger import Ledger
from service.likeness.receipts import Signer, digest
from service.likeness.schemas import LONGEST_GRANT, SCOPES, Grant, Scope, State, Use
from service.likeness.subjects import Subjects, check_enrolled
from service.moderation.blocklist import WITHDRAWN
from service.moderation.hash_lists import LEAST_QUALITY, Listed
from service.storage import GrantRow, Repositories, UseRow


class Grants:
    """The grants of one installation. Safe to share between threads and processes."""

    def __init__(
        self, ledger: Ledger, signer: Signer, people: Subjects, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._ledger = ledger
        self.signer = signer
        self._people = people
        self._clock = clock

    def give(self, subject: str, purpose: str, scopes: Sequence[Scope], grantee: str, lasts: dt.timedelta) -> Grant:
        """Store what a subject allowed.

        Raises:
            NotFound: there is no such subject.
            BadRequest: no scope, an unknown one, or an invalid duration, purpose or grantee.
        """
        self._people.key(subject)
        _check(purpose, scopes, grantee, lasts)
        number, now = new_case_number("G"), self._clock().replace(microsecond=0)
        named = tuple(scope for scope in SCOPES if scope in scopes)
        alias = self.signer.alias(subject, grantee)
        receipt = self.signer.sign(number, alias, purpose, list(named), grantee, now, now + lasts)
        row = GrantRow(number, subject, purpose, named, grantee, now, now + lasts, receipt, digest(receipt))
        with self._ledger.decision("consent", subject) as transaction:
            check_enrolled(transaction, subject)
            transaction.grants.add(row)
            transaction.record(action="granted", grant=number, receipt=row.receipt_digest)
        return self.of(number)

    def revoke(self, grant: str) -> Grant:
        """End a grant now, unless it was revoked before. An image that is being generated under it is not released.

        Raises NotFound.
        """
        found = self.of(grant)
        if found.revoked_at is not None:
            return found
        with self._ledger.decision("consent", found.subject) as transaction:
            transaction.grants.revoke(grant, self._clock())
            transaction.record(action="revoked", grant=grant)
        return self.of(grant)

    def of(self, grant: str) -> Grant:
        """One grant. Raises NotFound."""
        with self._ledger.read() as stored:
            row = stored.grants.get(grant)
        if row is None:
            raise NotFound("there is no such grant", hint="Check the id of the grant.")
        return self._grant(row)

    def grants_of(self, subject: str) -> list[Grant]:
        """Every grant of a subject, oldest first."""
        with self._ledger.read() as stored:
            return [self._grant(row) for row in stored.grants.of_subject(subject)]

    def made_out_to(self, grantee: str) -> list[Grant]:
        """Every grant to a grantee, oldest first, as the grantee may see it: with the alias of the subject."""
        with self._ledger.read() as stored:
            grants = [self._grant(row) for row in stored.grants.for_grantee(grantee)]
        return [one.model_copy(update={"subject": self.signer.alias(one.subject, grantee)}) for one in grants]

    def permitted(self, wanted: Sequence[str], scope: Scope, grantee: str) -> list[Grant]:
        """The named grants, all live, for this scope and grantee.

        Raises:
            LikenessRefused: one does not exist, has ended, or allows something else.
        """
        return [self._permitted(number, scope, grantee) for number in dict.fromkeys(wanted)]

    def record_uses(self, stored: Repositories, grants: Sequence[str], content_id: str) -> None:
        """In the transaction that issues an image: store that it was generated under these grants.

        Raises:
            LikenessRefused: one of them was revoked or has expired meanwhile.
        """
        now = self._clock()
        for number in grants:
            if not stored.grants.is_live(number, now):
                raise LikenessRefused(f"grant {number} ended while the image was generated", stage="issue")
            stored.uses.add(UseRow(number, content_id, now))

    def uses_of(self, subject: str) -> list[Use]:
        """Every image that was generated under the subject's grants, oldest first."""
        with self._ledger.read() as stored:
            return [_use(row) for row in stored.uses.of_subject(subject)]

    def withdraw(self, subject: str, content_id: str) -> None:
        """Block an image that was generated under the subject's grants, and all images that look like it.

        Raises:
            NotFound: no such image was generated under them.
        """
        image = self._ledger.by_content_id(content_id)
        if image is None or content_id not in {use.content_id for use in self.uses_of(subject)}:
            raise NotFound("no such image was generated under this subject's grants", hint="List the images first.")
        hashes = [Listed("sha256", image.sha256, "")]
        if image.fingerprint_quality >= LEAST_QUALITY:  # an image with few features looks like many others
            hashes.append(Listed("pdq", image.fingerprint.hex(), ""))
        now = self._clock()
        with self._ledger.decision("consent", subject) as transaction:
            transaction.uses.withdraw(content_id, now)
            transaction.blocklist.add(hashes, WITHDRAWN, subject, now, active=True)
            transaction.record(action="withdrawn", content_id=content_id)

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

    def _grant(self, row: GrantRow) -> Grant:
        state: State = "live" if row.expires_at > self._clock() else "expired"
        return Grant(
            id=row.id,
            subject=row.subject,
            purpose=row.purpose,
            scopes=list(row.scopes),
            grantee=row.grantee,
            created_at=stamp(row.created_at),
            expires_at=stamp(row.expires_at),
            revoked_at=stamp(row.revoked_at) if row.revoked_at else None,
            state="revoked" if row.revoked_at else state,
            receipt=row.receipt,
            receipt_digest=row.receipt_digest,
        )


def _check(purpose: str, scopes: Sequence[Scope], grantee: str, lasts: dt.timedelta) -> None:
    if not scopes or set(scopes) - set(SCOPES):
        raise BadRequest("a grant needs known scopes", hint=f"Choose from {', '.join(SCOPES)}.")
    if not dt.timedelta(0) < lasts <= LONGEST_GRANT:
        raise BadRequest("a grant lasts up to five years", hint="Choose another duration.")
    if not (0 < len(purpose) <= 200 and 0 < len(grantee) <= 100):
        raise BadRequest("purpose and grantee have 1 to 200 and 1 to 100 characters", hint="Shorten them.")


def _use(row: UseRow) -> Use:
    return Use(
        grant=row.grant,
        content_id=row.content_id,
        at=stamp(row.at),
        withdrawn_at=stamp(row.withdrawn_at) if row.withdrawn_at else None,
    )
