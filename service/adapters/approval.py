"""Adding an adapter to the operator's list: its file is checked, and so is what the operator declares about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors import at_all_turns
from models import ModelError
from service.adapters.registry import AdapterCard, Adapters, Samples
from service.generation.adapter_files import AdapterFile, read_adapter
from service.kit.errors import BadRequest, FileUnreadable, LikenessHeld, LikenessRefused, Unavailable
from service.likeness.checks import RGB, Likeness
from service.likeness.schemas import Embedding
from service.media.pictures import ImageLimits, decode

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff"})
_MOST_SAMPLES = 2000


@dataclass(frozen=True, slots=True)
class TrainedOnSubject:
    """It was trained on this subject, who allowed it with this grant."""

    subject: str
    grant: str


@dataclass(frozen=True, slots=True)
class TrainedOnNobody:
    """It contains no identity: these are the images that it was trained on (files, and folders of them)."""

    samples: Sequence[Path]


class Approval:
    """Adds adapters to the list of one installation."""

    def __init__(self, adapters: Adapters, likeness: Likeness, limits: ImageLimits) -> None:
        self._adapters = adapters
        self._likeness = likeness
        self._limits = limits

    def approve(self, path: Path, name: str, declared: TrainedOnSubject | TrainedOnNobody) -> AdapterCard:
        """Check a file and what is declared about it, and add it to the list.

        Raises:
            BadRequest: it is not an adapter, the name is taken, the grant is not that subject's or has ended, or there
                is no sample image, or one shows a protected person.
            InputError: a sample cannot be read.
            NotFound: there is no such grant.
            Unavailable: the face model failed on a sample.
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

    def _declared(
        self, name: str, file: AdapterFile, declared: TrainedOnSubject | TrainedOnNobody
    ) -> dict[str, str | Samples]:
        if isinstance(declared, TrainedOnNobody):
            return {"samples": self._samples(name, file.digest, declared.samples)}
        grant = self._likeness.consent.grants.of(declared.grant)
        if grant.subject != declared.subject:
            raise BadRequest("this grant is another subject's", hint="Name a grant of this subject.")
        if grant.state != "live":
            raise BadRequest(f"grant {grant.id} is {grant.state}", hint="Ask the person for a new one.")
        return {"subject": grant.subject, "grant": grant.id}

    def _samples(self, name: str, digest: str, places: Sequence[Path]) -> Samples:
        """The faces on the sample images; the images are not kept."""
        images = list(_images(places))
        if not 0 < len(images) <= _MOST_SAMPLES:
            raise BadRequest(
                f"{len(images)} sample images were found, 1 to {_MOST_SAMPLES} are needed",
                hint="Name the images that it was trained on, as files or folders.",
            )
        faces = [face for image in images for face in self._faces(image)]
        return self._adapters.seal(name, digest, len(images), self._likeness.model.digest, faces)

    def _faces(self, path: Path) -> list[Embedding]:
        try:
            rgb = decode(path.read_bytes(), self._limits).rgb
        except OSError as gone:
            raise FileUnreadable(f"{path} cannot be read: {gone.strerror}") from gone
        try:
            self._check_unprotected(path, rgb)
            return [face.embedding for face in at_all_turns(self._likeness.model, rgb)]
        except ModelError as fault:
            raise Unavailable(str(fault)) from fault

    def _check_unprotected(self, path: Path, rgb: RGB) -> None:
        try:
            self._likeness.check_output(rgb, ())
        except (LikenessRefused, LikenessHeld) as known:
            raise BadRequest(
                f"{path} shows, or may show, a protected person",
                hint="Add an adapter of a person with --subject and --grant.",
            ) from known


def _images(places: Sequence[Path]) -> Iterator[Path]:
    """The named files, and the files in the named folders whose suffix is that of an image."""
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.suffix.lower() in _SUFFIXES)
        else:
            yield place
