"""The operator's list of adapters: which may be used, whose likeness they contain, and whose they must not produce.

An adapter is listed by the SHA-256 of its file, which is beside its card in the home folder. Its card names a subject
and a grant, or declares that the adapter contains nobody's identity; then it has the faces of its sample images,
sealed, and images generated with it are compared with them.
"""

import base64
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors import Templates
from models.cards import Sha256
from service.generation.adapter import Adapter
from service.generation.adapter_files import AdapterFile, Kind
from service.generation.folders import file_digest
from service.keys.vault import Sealed, Vault
from service.kit import home as home_folder
from service.kit.errors import AdapterRefused, BadRequest, Misconfigured, NotFound, Unavailable
from service.ledger.ledger import Ledger
from service.likeness.excluded_faces import ExcludedFaces
from service.likeness.schemas import Embedding, GrantNumber, as_text, from_text, stacked
from service.storage import Repositories

log = structlog.get_logger()

ADAPTERS_FOLDER = "adapters"
_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
AdapterName = Annotated[str, Field(pattern=f"^{_NAME}$")]
AdapterChoice = Annotated[str, Field(pattern=rf"^{_NAME}(:([01](\.[0-9]{{1,3}})?|2(\.0{{1,3}})?))?$")]
"""NAME or NAME:SCALE, with a scale of 0 to 2 (default 1)."""


class Samples(BaseModel):
    """The sample images of an adapter: how many images and faces, and the face embeddings, sealed. No photo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=1)
    faces: int = Field(ge=0)
    model: Sha256 = Field(description="Digest of the face model.")
    wrapped_key: str
    box: str


class AdapterCard(BaseModel):
    """One adapter on the list. It names `subject` and `grant`, or has `samples`: exactly one of the two."""

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
        person = (self.subject is not None, self.grant is not None)
        if person not in ((True, True), (False, False)) or all(person) == (self.samples is not None):
            raise ValueError("a card names a subject and a grant, or has samples")
        return self


@dataclass(frozen=True, slots=True)
class ResolvedAdapter:
    """An adapter of an order: what is loaded into the model, the grant it needs, and the faces it must not show."""

    adapter: Adapter
    grant: str | None
    excluded: ExcludedFaces | None


class Adapters:
    """The list of one installation: cards and files in its home folder. Safe to share between threads."""

    def __init__(self, home: Path, vault: Vault, ledger: Ledger) -> None:
        self._folder = home / ADAPTERS_FOLDER
        self._vault = vault
        self._ledger = ledger

    def cards(self) -> list[AdapterCard]:
        """Every card by name. Raises Unavailable where one cannot be read: what may be used is then unknown."""
        if not self._folder.exists():
            return []
        cards = (_read(path) for path in sorted(self._folder.glob("*.json")))
        return [card for card in cards if card]

    def resolve(self, choices: Sequence[str]) -> tuple[ResolvedAdapter, ...]:
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
        return tuple(self._resolved(known[name], float(scale or 1)) for name, _, scale in parts)

    def check_new_name(self, name: str) -> None:
        """Raises BadRequest where a new adapter cannot have this name, and Unavailable as `cards`."""
        if not re.fullmatch(_NAME, name):
            raise BadRequest(
                f"{name!r} is not a valid adapter name", hint="Use lower-case letters, digits, dots, - and _."
            )
        if name in {card.name for card in self.cards()}:
            raise _taken(name)

    def add(self, file: AdapterFile, card: AdapterCard) -> AdapterCard:
        """Add an adapter to the list: a decision in the ledger, then its file and its card.

        Raises:
            BadRequest: the name is taken, or was another file's.
            Misconfigured: the home folder cannot be written, or the file changed meanwhile; it is not on the list.
            Unavailable: the decision cannot be written, or the list cannot be read; nothing is added.
        """
        self.check_new_name(card.name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
                copied, written = _copied(file.path, card, Path(scratch)), _written(card, Path(scratch))
                self._decide_to_add(card)
                copied.replace(self._file(card.name))  # a file without a card means nothing
                os.link(written, self._card(card.name))  # complete, and never over another card
        except FileExistsError as lost:
            raise _taken(card.name) from lost
        except OSError as denied:
            raise Misconfigured(f"{self._folder} cannot be written: {denied.strerror}") from denied
        return card

    def remove(self, name: str) -> None:
        """Remove an adapter from the list: a decision in the ledger, then file, card and faces.

        Raises:
            NotFound: there is none.
            Misconfigured: the home folder cannot be written. The removal is decided, and the adapter cannot be used.
            Unavailable: the decision cannot be written, or the list cannot be read; nothing is removed.
        """
        if name not in {card.name for card in self.cards()}:
            raise NotFound("there is no such adapter", hint="See `countermark models adapters`.")
        self._ledger.record("adapter", name, {"action": "removed"})
        try:
            self._file(name).unlink(missing_ok=True)  # first: while there is a card, nobody can add another file
            self._card(name).unlink(missing_ok=True)
        except OSError as denied:
            raise Misconfigured(f"{self._folder} cannot be written: {denied.strerror}") from denied

    def seal(self, name: str, digest: str, images: int, model: str, faces: Sequence[Embedding]) -> Samples:
        """The faces of sample images as they are stored. `model` is the SHA-256 of the face model that found them."""
        sealed = self._vault.seal({"faces": json.dumps([as_text(face) for face in faces])}, _label(name, digest))
        return Samples(
            images=images, faces=len(faces), model=model, wrapped_key=_text(sealed.wrapped_key), box=_text(sealed.box)
        )

    def rewrap(self, stored: Repositories, renew: Callable[[bytes, str], bytes | None]) -> None:
        """In a transaction for writing: replace the wrapped keys of sample faces by what `renew` makes of key and
        label; None leaves one as it is. If the transaction fails, what was replaced stays so.

        Raises:
            Unavailable: the list cannot be read.
            Misconfigured: the home folder cannot be written.
        """
        for card in self.cards():
            decisions = stored.decisions.about(card.name, "adapter")
            if card.samples is None or not decisions or decisions[-1].content["action"] != "added":
                continue  # a card that is being removed must not come back
            if key := renew(_bytes(card.samples.wrapped_key), _label(card.name, card.digest)):
                self._replace(card, card.samples.model_copy(update={"wrapped_key": _text(key)}))

    def check_still_listed(self, stored: Repositories, used: Sequence[ResolvedAdapter]) -> None:
        """In the transaction that issues an image: the adapters it was generated with are listed as they were.

        Raises:
            AdapterRefused: one was removed meanwhile, or added again with another grant.
            Unavailable: the list cannot be read.
        """
        if not used:
            return
        known = {card.name: (card.digest, card.grant) for card in self.cards()}
        for one in used:
            decisions = stored.decisions.about(one.adapter.name, "adapter")
            listed = known.get(one.adapter.name) == (one.adapter.digest, one.grant)
            if not listed or not decisions or decisions[-1].content["action"] != "added":
                raise AdapterRefused("an adapter of this order was removed from the list meanwhile", stage="issue")

    def _decide_to_add(self, card: AdapterCard) -> None:
        samples = {"samples": str(card.samples.images)} if card.samples else {}
        with self._ledger.decision("adapter", card.name) as transaction:
            self.check_new_name(card.name)  # again, now that nobody else can add one
            earlier = {each.content.get("digest") for each in transaction.decisions.about(card.name, "adapter")}
            if earlier - {None, card.digest}:
                raise BadRequest(
                    f"{card.name} was the name of another file",
                    hint="Choose another name: the record and held images refer to that file by it.",
                )
            transaction.record(action="added", digest=card.digest, subject=card.subject, grant=card.grant, **samples)

    def _replace(self, card: AdapterCard, samples: Samples) -> None:
        renewed = card.model_copy(update={"samples": samples})
        try:
            home_folder.replace(self._card(card.name), _as_json(renewed).encode())
        except OSError as denied:
            raise Misconfigured(f"{self._folder} cannot be written: {denied.strerror}") from denied

    def _resolved(self, card: AdapterCard, scale: float) -> ResolvedAdapter:
        adapter = Adapter(card.name, card.kind, card.digest, self._file(card.name), scale)
        return ResolvedAdapter(adapter, card.grant, self._excluded(card))

    def _excluded(self, card: AdapterCard) -> ExcludedFaces | None:
        if card.samples is None or not card.samples.faces:
            return None
        sealed = Sealed(_bytes(card.samples.wrapped_key), _bytes(card.samples.box))
        opened = json.loads(self._vault.open(sealed, _label(card.name, card.digest))["faces"])
        if len(opened) != card.samples.faces:
            raise Misconfigured(f"the card of adapter {card.name} was changed", hint="Add the adapter again.")
        return ExcludedFaces(card.name, card.samples.model, Templates(stacked([from_text(text) for text in opened])))

    def _card(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.safetensors"


def _read(path: Path) -> AdapterCard | None:
    """None where it was removed meanwhile."""
    try:
        card = AdapterCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as bad:
        raise _unreadable(path, type(bad).__name__) from None
    if card.name != path.stem:
        raise _unreadable(path, "the card of another adapter")
    return card


def _unreadable(path: Path, reason: str) -> Unavailable:
    """Anybody may be calling: the file name, which may be a person's, goes to the log alone."""
    log.error("adapter_card_unreadable", path=str(path), reason=reason)
    return Unavailable("the list of adapters cannot be read", hint="The log names the card for the operator.")


def _copied(source: Path, card: AdapterCard, scratch: Path) -> Path:
    """A copy, so that what was checked is what is used."""
    place = scratch / "file"
    shutil.copyfile(source, place)
    if file_digest(place) != card.digest:
        raise Misconfigured(f"{source} changed while it was read", hint="Try again.")
    return place


def _written(card: AdapterCard, scratch: Path) -> Path:
    place = scratch / "card"
    with place.open("x") as file:
        file.write(_as_json(card))
        file.flush()
        os.fsync(file.fileno())
    return place


def _as_json(card: AdapterCard) -> str:
    return card.model_dump_json(indent=2, exclude_none=True) + "\n"


def _taken(name: str) -> BadRequest:
    return BadRequest(f"there is an adapter named {name} already", hint="Choose another name, or remove that one.")


def _label(name: str, digest: str) -> str:
    return f"adapter {name} {digest}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
