"""The operator's list of adapters: which may be used, whose likeness they hold, and whose must not come out of them.

An adapter is on the list by the SHA-256 of its file, which lies beside its card in the home folder. Its card names a
subject and a grant, or declares that it holds nobody's identity; then it keeps the faces of its sample images, sealed,
and pictures drawn with it are compared with them.
"""

import base64
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors import Templates
from models.cards import Sha256
from service.consent.words import Embedding, GrantNumber, as_text, from_text, stacked
from service.errors import AdapterRefused, BadRequest, Misconfigured, NotFound, Unavailable
from service.generation.adapter_files import AdapterFile, Kind
from service.generation.adapters import Adapter
from service.generation.folders import file_digest
from service.ledger import Ledger
from service.vault import Sealed, Vault

ADAPTERS_FOLDER = "adapters"
_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
AdapterName = Annotated[str, Field(pattern=f"^{_NAME}$")]
AdapterChoice = Annotated[str, Field(pattern=rf"^{_NAME}(:([01](\.[0-9]{{1,3}})?|2(\.0{{1,3}})?))?$")]
"""NAME or NAME:SCALE, with a scale of 0 to 2 (1 where it is left out)."""


class Samples(BaseModel):
    """What the sample images of an adapter showed: how many images and faces, and the faces, sealed. No photo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=1)
    faces: int = Field(ge=0)
    model: Sha256 = Field(description="Digest of the face model.")
    wrapped_key: str
    box: str


class AdapterCard(BaseModel):
    """One adapter on the list. It names `subject` and `grant`, or has `samples`: never neither, never both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: AdapterName
    kind: Kind
    digest: Sha256
    size: int
    hints: tuple[str, ...] = ()
    subject: str | None = None
    grant: GrantNumber | None = None
    samples: Samples | None = None

    @model_validator(mode="after")
    def _declares(self) -> "AdapterCard":
        somebody = (self.subject is not None, self.grant is not None)
        if somebody not in ((True, True), (False, False)) or all(somebody) == (self.samples is not None):
            raise ValueError("a card names a subject and a grant, or has samples")
        return self


@dataclass(frozen=True, slots=True)
class Avoided:
    """Faces of an adapter's samples, by the face model with this digest."""

    adapter: str
    model: str
    faces: Templates


@dataclass(frozen=True, slots=True)
class Chosen:
    """An adapter of an order: what is put on the model, the grant it needs, and the faces it must not show."""

    adapter: Adapter
    grant: str | None
    avoided: Avoided | None


class Adapters:
    """The list of one installation: cards and files in its home folder. Safe to share between threads."""

    def __init__(self, home: Path, vault: Vault, ledger: Ledger) -> None:
        self._folder = home / ADAPTERS_FOLDER
        self._vault = vault
        self._ledger = ledger

    def cards(self) -> list[AdapterCard]:
        """Every card by name. Raises Unavailable where one cannot be read: who may be used is then unknown."""
        if not self._folder.exists():
            return []
        return [_read(path) for path in sorted(self._folder.glob("*.json"))]

    def chosen(self, choices: Sequence[str]) -> tuple[Chosen, ...]:
        """The adapters an order names.

        Raises:
            AdapterRefused: one is not on the list.
            BadRequest: one is named twice.
            Unavailable, Misconfigured: the list, or what is sealed in it, cannot be read.
        """
        if not choices:
            return ()
        known = {card.name: card for card in self.cards()}
        parts = [choice.partition(":") for choice in choices]
        if len({name for name, _, _ in parts}) < len(parts):
            raise BadRequest("an adapter is named twice", hint="Name each once.")
        if any(name not in known for name, _, _ in parts):
            raise AdapterRefused("an adapter of this order is not on the list", stage="admit")
        return tuple(self._chosen(known[name], float(scale or 1)) for name, _, scale in parts)

    def check_new_name(self, name: str) -> None:
        """Raises BadRequest where no new adapter can have this name, and Unavailable as `cards`."""
        if not re.fullmatch(_NAME, name):
            raise BadRequest(f"{name!r} is no adapter's name", hint="Use small letters, digits, dots, - and _.")
        if name in {card.name for card in self.cards()}:
            raise BadRequest(f"there is an adapter called {name}", hint="Choose another name, or remove that one.")

    def add(self, file: AdapterFile, card: AdapterCard) -> AdapterCard:
        """Put an adapter on the list: its file, its card and a decision in the ledger.

        Raises:
            BadRequest: the name is taken, or was another file's.
            Misconfigured: the home folder cannot be written, or the file changed meanwhile.
        """
        self.check_new_name(card.name)
        if self._digests(card.name) - {card.digest}:
            raise BadRequest(
                f"{card.name} was the name of another file",
                hint="Choose another name: the record and held orders mean that one by it.",
            )
        told = {"action": "added", "digest": card.digest, "subject": card.subject, "grant": card.grant}
        told |= {"samples": str(card.samples.images)} if card.samples else {}
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keep(file.path, card)
        except OSError as denied:
            raise Misconfigured(f"{self._folder} cannot be written: {denied.strerror}") from denied
        self._ledger.record("adapter", card.name, told, lambda _: self._write(card))
        return card

    def remove(self, name: str) -> None:
        """Take an adapter off the list: card, faces and file. Raises NotFound."""
        if name not in {card.name for card in self.cards()}:
            raise NotFound("there is no such adapter", hint="See `countermark models adapters`.")
        self._ledger.record("adapter", name, {"action": "removed"}, lambda _: self._card(name).unlink(missing_ok=True))
        self._file(name).unlink(missing_ok=True)

    def seal(self, name: str, digest: str, images: int, model: str, faces: Sequence[Embedding]) -> Samples:
        """The faces of sample images as they are kept; `model`: digest of the face model that made them."""
        sealed = self._vault.seal({"faces": json.dumps([as_text(face) for face in faces])}, _label(name, digest))
        return Samples(
            images=images, faces=len(faces), model=model, wrapped_key=_text(sealed.wrapped_key), box=_text(sealed.box)
        )

    def _digests(self, name: str) -> set[str]:
        """The files that ever had this name."""
        told = (json.loads(each.body) for each in self._ledger.decided(name) if each.kind == "adapter")
        return {each["digest"] for each in told if "digest" in each}

    def _chosen(self, card: AdapterCard, scale: float) -> Chosen:
        adapter = Adapter(card.name, card.kind, card.digest, self._file(card.name), scale)
        return Chosen(adapter, card.grant, self._avoided(card))

    def _avoided(self, card: AdapterCard) -> Avoided | None:
        if card.samples is None or not card.samples.faces:
            return None
        sealed = Sealed(_bytes(card.samples.wrapped_key), _bytes(card.samples.box))
        opened = json.loads(self._vault.open(sealed, _label(card.name, card.digest))["faces"])
        if len(opened) != card.samples.faces:
            raise Misconfigured(f"the card of adapter {card.name} was changed", hint="Add the adapter again.")
        return Avoided(card.name, card.samples.model, Templates(stacked([from_text(text) for text in opened])))

    def _keep(self, source: Path, card: AdapterCard) -> None:
        """A copy, so that what was checked is what is used; a file without a card is nothing."""
        place = self._file(card.name)
        shutil.copyfile(source, place)
        if file_digest(place) != card.digest:
            place.unlink()
            raise Misconfigured(f"{source} changed while it was read", hint="Try again.")

    def _write(self, card: AdapterCard) -> None:
        self._card(card.name).write_text(card.model_dump_json(indent=2, exclude_none=True) + "\n")

    def _card(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.safetensors"


def _read(path: Path) -> AdapterCard:
    try:
        card = AdapterCard.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as bad:
        raise Unavailable(f"the adapter card {path} cannot be read", hint="Restore or remove it.") from bad
    if card.name != path.stem:
        raise Unavailable(f"the adapter card {path} is of {card.name}", hint="Restore or remove it.")
    return card


def _label(name: str, digest: str) -> str:
    return f"adapter {name} {digest}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
