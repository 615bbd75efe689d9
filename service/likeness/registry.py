"""The consent registry: whose face is known, what they allowed, and what was made of it.

A Subject is a person with face templates; no photo is kept. Name and templates are sealed under a key of the
subject's own, so that erasing the key erases them. A Grant says what a grantee may do with the likeness and until
when, and yields a signed Receipt. The decision chain holds numbers and digests only.
"""

import datetime as dt
from collections.abc import Callable

from service.keys.vault import Vault
from service.kit.clock import utc_now
from service.ledger.ledger import Ledger
from service.likeness.grants import Grants
from service.likeness.receipts import Signer
from service.likeness.schemas import SCOPES, Enrolled, Grant, GrantNumber, Scope, State, Subject, TemplateIndex, Use
from service.likeness.subjects import Subjects
from service.likeness.templates import FaceTemplates
from service.likeness.transfer import Transfer
from service.moderation.blocklist import Blocklist

__all__ = [
    "SCOPES",
    "Consent",
    "Enrolled",
    "Grant",
    "GrantNumber",
    "Scope",
    "State",
    "Subject",
    "TemplateIndex",
    "Use",
]


class Consent:
    """The registry of one installation: people, their faces, what they allowed, and how it moves house."""

    def __init__(
        self,
        ledger: Ledger,
        blocklist: Blocklist,
        vault: Vault,
        signer: Signer,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.subjects = Subjects(ledger, vault, clock)
        self.faces = FaceTemplates(ledger, vault, self.subjects)
        self.grants = Grants(ledger, blocklist, signer, self.subjects, clock)
        self.transfer = Transfer(ledger, vault, self.subjects, self.grants)
