"""What waits for the operator, and a browser without a window that signs in and sends the forms of the pages."""

import html
import re
import uuid
from collections.abc import Mapping
from typing import Protocol

from fastapi.testclient import TestClient

from service.access.api_keys import KeyTerms
from service.access.tenants import Terms
from service.gateway.held_draft import HeldDraft
from service.gateway.order import Order
from service.gateway.review_queue import ReviewQueue
from service.generation import ModelIdentity
from service.installation import Installation
from service.keys import signing
from service.kit.clock import utc_now
from service.moderation.appeals import Appeal
from service.moderation.notices import Notice
from tests.support.painter import landscape

SUBJECT = "S-0000-0000-0000-0001"
STATEMENT, REPORTER = "It is a <lake> & nobody", "Ann Reporter"
_FORM_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


def operator_key(installation: Installation, tenant: str = "ops") -> str:
    """A key that opens the operator's pages, and nothing else."""
    return installation.tenants.add(Terms(name=tenant), KeyTerms(label="Olga", scopes=("admin",))).key


def keeping(installation: Installation) -> None:
    """Let the installation keep held images for a week."""
    digest, vault = signing.prompt_digester(installation.settings), signing.vault(installation.settings)
    folder = installation.settings.home / "held"
    installation.review_queue = ReviewQueue(installation.ledger, vault, folder, 7, digest)


def held_image(installation: Installation, size: int = 64) -> str:
    """The content id of an image that waits for a review."""
    model, content_id = ModelIdentity("painter", "1", "0" * 64), uuid.uuid4().urn
    draft = HeldDraft(Order(prompt="a garden", seed=1), model, utc_now(), 0, None, landscape(1, size, size))
    assert installation.review_queue.keep(content_id, "", [SUBJECT], draft)
    return content_id


def notice(installation: Installation, sha256: str = "a" * 64) -> str:
    """The case number of a notice."""
    sent = Notice(signature=REPORTER, sha256=sha256, statement=STATEMENT, good_faith=True, contact="ann@example.com")
    return installation.takedowns.receive(sent).case


def appeal(installation: Installation) -> str:
    """The number of an appeal against a verdict."""
    sent = Appeal(about="verdict", subject="b" * 64, statement=STATEMENT, contact="")
    return installation.appeals.file(sent).id


class Answer(Protocol):
    """What tests read of an answer."""

    @property
    def status_code(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Signed:
    """Somebody at the operator's pages. Forms are sent as a browser does, with the token of the page they are on."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.signed_in: Answer = client.post("/operator/sign-in", files={"key": (None, key)}, follow_redirects=False)

    def open(self, path: str = "") -> str:
        """The text of a page, with a status of 200."""
        page = self.client.get(f"/operator{path}")
        assert page.status_code == 200, page.text
        return html.unescape(page.text)

    def send(self, path: str, *, token: str | None = None, **fields: str) -> Answer:
        """The answer to a form; redirects are not followed."""
        if token is None:
            found = _FORM_TOKEN.search(self.client.get("/operator/jobs").text)
            token = found[1] if found else ""
        sent = {"form_token": token, **fields}
        files = {name: (None, value) for name, value in sent.items()}
        return self.client.post(f"/operator{path}", files=files, follow_redirects=False)
