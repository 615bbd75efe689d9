"""The consent registry: whose face is known, what they allowed, and which images were generated under it.

A Subject is a person with face templates; no photo is kept. Name and templates are sealed under the subject's own key,
so that deleting the key erases them. A Grant says what a grantee may do with the likeness and until when, and comes
with a signed Receipt. The decision chain contains ids and digests only.
"""

import datetime as dt
from collections.abc import Callable

from service.keys.vault import Vault
from service.kit.clock import utc_now
from service.ledger.ledger import Ledger
from service.likeness.grants import Grants
from service.likeness.receipts import Signer
from service.likeness.schemas import SCOPES, Enrolled, Grant, GrantNumber, Scope, State, Subject, Use
from service.likeness.subjects import Subjects
from service.likeness.template_index import TemplateIndex
from service.likeness.templates import FaceTemplates
from service.likeness.transfer import Transfer

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
    """The registry of one installation: people, their faces, their grants, and its export and import."""

    def __init__(
        self, ledger: Ledger, vault: Vault, signer: Signer, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self.subjects = Subjects(ledger, vault, clock)
        self.faces = FaceTemplates(ledger, vault, self.subjects)
        self.grants = Grants(ledger, signer, self.subjects, clock)
        self.transfer = Transfer(ledger, vault, self.subjects, self.grants)
