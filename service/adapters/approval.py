"""How an adapter comes onto the operator's list: its file is checked, and what it is said to hold is, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import ModelError
from service.adapters.registry import AdapterCard, Adapters, Samples
from service.generation.adapter_files import AdapterFile, read_adapter
from service.kit.errors import BadRequest, FileUnreadable, LikenessHeld, LikenessRefused, Unavailable
from service.likeness.checks import RGB, Likeness
from service.likeness.schemas import Embedding
from service.media.pictures import ImageLimits, decode

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff"})
_MOST_SAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Somebodys:
    """It was trained on this subject, who allowed it by this grant."""

    subject: str
    grant: str


@dataclass(frozen=True, slots=True)
class Nobodys:
    """It holds no identity: these are the pictures it was trained on (files and folders of them)."""

    samples: Sequence[Path]


class Adoption:
    """Puts adapters on the list of one installation."""

    def __init__(self, adapters: Adapters, likeness: Likeness, limits: ImageLimits) -> None:
        self._adapters = adapters
        self._likeness = likeness
        self._limits = limits

    def adopt(self, path: Path, name: str, declared: Somebodys | Nobodys) -> AdapterCard:
        """Check a file and what is said of it, and put it on the list.

        Raises:
            BadRequest: it is no adapter, the name is taken, the grant is not that subject's or has ended, or there is
                no sample picture, or one shows a protected person.
            InputError: a sample cannot be read.
            NotFound: there is no such grant.
            Unavailable: the faces of the samples cannot be looked at.
            Misconfigured: the home folder cannot be written.
        """
        self._adapters.check_new_name(name)
        file = read_adapter(path)
        card = AdapterCard(
            name=name,
            kind=file.kind,
            digest=file.digest,
            size=file.size,
            hints=file.hints,
            **self._declared(name, file, declared),
        )
        return self._adapters.add(file, card)

    def _declared(self, name: str, file: AdapterFile, declared: Somebodys | Nobodys) -> dict[str, str | Samples]:
        if isinstance(declared, Nobodys):
            return {"samples": self._samples(name, file.digest, declared.samples)}
        grant = self._likeness.consent.grants.of(declared.grant)
        if grant.subject != declared.subject:
            raise BadRequest("this grant is another subject's", hint="Name the grant that this subject gave.")
        if grant.state != "live":
            raise BadRequest(f"grant {grant.id} is {grant.state}", hint="Ask the person for a new one.")
        return {"subject": grant.subject, "grant": grant.id}

    def _samples(self, name: str, digest: str, places: Sequence[Path]) -> Samples:
        """The faces on the sample pictures; the pictures are not kept."""
        pictures = list(_pictures(places))
        if not 0 < len(pictures) <= _MOST_SAMPLES:
            raise BadRequest(
                f"{len(pictures)} sample pictures were found, 1 to {_MOST_SAMPLES} are needed",
                hint="Name files or folders of the pictures it was trained on.",
            )
        faces = [face for picture in pictures for face in self._faces(picture)]
        return self._adapters.seal(name, digest, len(pictures), self._likeness.model.digest, faces)

    def _faces(self, path: Path) -> list[Embedding]:
        try:
            rgb = decode(path.read_bytes(), self._limits).rgb
        except OSError as gone:
            raise FileUnreadable(f"{path} cannot be read: {gone.strerror}") from gone
        try:
            self._check_unprotected(path, rgb)
            return [face.embedding for face in self._likeness.model(rgb)]
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault

    def _check_unprotected(self, path: Path, rgb: RGB) -> None:
        try:
            self._likeness.check_output(rgb, ())
        except (LikenessRefused, LikenessHeld) as known:
            raise BadRequest(
                f"{path} shows, or may show, a protected person",
                hint="An adapter of a person is added with --subject and --grant.",
            ) from known


def _pictures(places: Sequence[Path]) -> Iterator[Path]:
    """The files named, and those of the folders named that are pictures by their ending."""
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.suffix.lower() in _PICTURES)
        else:
            yield place
