"""One sealed record of every kind, stored and read as the product does it."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from service.adapters.registry import AdapterCard
from service.gateway.held_draft import HeldDraft
from service.gateway.order import Order
from service.generation import ModelIdentity
from service.generation.adapter_files import read_adapter
from service.installation import Installation
from service.moderation.appeals import Appeal
from tests.support.adapters import any_lora
from tests.support.clock import NOON
from tests.support.painter import landscape
from tests.support.people import ANN, MODEL, likeness
from tests.support.takedowns import notice


@dataclass(frozen=True)
class SealedRecords:
    """The ids of the records that `seal_everything` stores."""

    case: str
    appeal: str
    subject: str
    held: str
    COUNT = 6  # these, the reason why the held image was released, and the sample faces of an adapter

    def check(self, installation: Installation) -> None:
        """Every record can be read."""
        assert installation.takedowns.show(self.case)[1]["signature"] == "Jane Roe"
        (appeal,) = installation.appeals.list(all_=True)
        assert appeal.personal["statement"] == "I am Jane Roe."
        assert installation.consent.subjects.name(self.subject) == "Ann Example"
        assert installation.consent.faces.protected(MODEL).owners == (self.subject,)
        assert installation.review_queue.look(self.held).order.prompt == "a secret garden"
        (held,) = installation.review_queue.queue(all_=True)
        assert held.reason == "it is somebody else"
        (adapter,) = installation.adapters.resolve(["style"])
        assert adapter.excluded
        assert adapter.excluded.faces.within(likeness(ANN), 0.1)


def seal_everything(installation: Installation, scratch: Path) -> SealedRecords:
    """Needs an installation that keeps held images. `scratch`: a folder for the adapter's file."""
    case = installation.takedowns.receive(notice()).case
    installation.takedowns.resolve(case, "rejected", "op", "Not hers.")
    appeal = installation.appeals.file(Appeal(about="takedown", subject=case, statement="I am Jane Roe.")).id
    subject = installation.consent.subjects.enrol("Ann Example", [likeness(ANN)], MODEL).subject
    held = uuid.uuid4().urn
    model = ModelIdentity("painter", "1", "0" * 64)
    draft = HeldDraft(Order(prompt="a secret garden", seed=1), model, NOON, 0, None, landscape(1, 64, 64))
    assert installation.review_queue.keep(held, "", [subject], draft)
    installation.review_queue.release(held, "Olga Operator", "it is somebody else")
    file = read_adapter(any_lora(scratch / "style.safetensors"))
    samples = installation.adapters.seal("style", file.digest, 1, MODEL, [likeness(ANN)])
    card = AdapterCard(name="style", kind=file.kind, digest=file.digest, size=file.size, samples=samples)
    installation.adapters.add(file, card)
    return SealedRecords(case, appeal, subject, held)
