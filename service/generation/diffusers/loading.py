"""From the settings to a pipeline in memory, complete and from safetensors only.

Torch and diffusers are imported only inside functions of this package, when a pipeline is loaded or run.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from models import Card, DigestMismatch, Task, find_card
from service.generation.backend import ModelIdentity
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.ip_adapter import IPAdapter
from service.generation.diffusers.registration import unlisted_files
from service.generation.diffusers.supported_pipelines import disabled_components, part_class, pipeline_class, read_index
from service.generation.embedded import vocabulary
from service.generation.folders import folder_digest
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import added_cards
from service.kit.settings import Settings

EMBEDDED = "scenes-256"
VOCABULARY = "vocabulary.json"
OnLoading = Callable[[int, int, str], None]
"""Called before each part with weights is loaded: (parts loaded, total, name of the part)."""

log = structlog.get_logger()
_INCOMPLETE = ("missing_keys", "mismatched_keys", "error_msgs")


def log_loading(loaded: int, total: int, part: str) -> None:
    log.info("loading", part=part, loaded=loaded, of=total)


def load_backend(settings: Settings, on_loading: OnLoading = log_loading) -> DiffusersBackend:
    """Load the pipeline named by the settings, in torch, also the embedded one.

    Raises:
        Unavailable: the `generate` extra is not installed, or a download failed.
        ModelError: files on a card are missing or differ.
        Misconfigured: the folder is not a supported pipeline, or downloading is not allowed.
    """
    require()
    import torch  # noqa: PLC0415

    torch.set_num_threads(settings.threads)
    if settings.pipeline == "embedded":
        return _embedded(find_card(EMBEDDED), settings, on_loading)
    if card := _carded(settings):
        return TEXT_TO_IMAGE.open(card, settings, on_loading)
    folder = Path(settings.pipeline)
    if not folder.is_dir():
        folder = _download(settings)
    identity = ModelIdentity(folder.resolve().name, "1", folder_digest(folder))
    return DiffusersBackend(_load(folder, settings, on_loading), identity, folder, references=_references(settings))


def configured_name(settings: Settings) -> str | None:
    """The name that the pipeline will have once it is loaded; None for one on the hub, which only a download tells."""
    if settings.pipeline == "embedded":
        return EMBEDDED
    if card := _carded(settings):
        return card.name
    folder = Path(settings.pipeline)
    return folder.resolve().name if folder.is_dir() else None


def require() -> None:
    """Import torch and its libraries, and silence their logs. Raises Unavailable if one is not installed."""
    try:
        import diffusers  # noqa: PLC0415
        import torch  # noqa: F401, PLC0415
        import transformers  # noqa: PLC0415
    except ImportError as missing:
        raise Unavailable(
            f"image generation needs the package {missing.name}",
            hint="Install it: pip install 'countermark[generate]'.",
        ) from missing
    for library in (diffusers, transformers):  # Countermark has its own progress bar and log
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def _carded(settings: Settings) -> Card | None:
    """The card of a pipeline that the operator added under that name."""
    return next((card for card in added_cards(TEXT_TO_IMAGE, settings) if card.name == settings.pipeline), None)


def _by_card(card: Card, settings: Settings, on_loading: OnLoading) -> DiffusersBackend:
    folder = card.verified_root()
    if extra := unlisted_files(card, folder):
        raise DigestMismatch(f"{folder / extra[0]} is not on the card {card.name}: remove it, or create a new card")
    identity = ModelIdentity(card.name, card.version, card.digest)
    return DiffusersBackend(_load(folder, settings, on_loading), identity, folder, card.options, _references(settings))


TEXT_TO_IMAGE = Task(
    "text-to-image",
    "Generates images: a diffusers pipeline that `COUNTERMARK_PIPELINE` names by its card.",
    _by_card,
)


def _embedded(card: Card, settings: Settings, on_loading: OnLoading) -> DiffusersBackend:
    folder = card.verified_root()
    known = json.loads(card.read(VOCABULARY))
    identity = ModelIdentity(card.name, card.version, card.digest)
    options = {**card.options, "words": known["words"], "shown_words": vocabulary.shown_words(known)}
    return DiffusersBackend(_load(folder, settings, on_loading), identity, folder, options)


def _references(settings: Settings) -> IPAdapter | None:
    if settings.reference_adapter is None:
        return None
    return IPAdapter(settings.reference_adapter, device=settings.device, precision=settings.precision)


def _load(folder: Path, settings: Settings, on_loading: OnLoading) -> Any:
    import torch  # noqa: PLC0415

    index = read_index(folder)
    family = pipeline_class(index)
    components = disabled_components(family)
    classes = {name: part_class(*named) for name, named in index.parts.items() if name not in components}
    options = {"local_files_only": True, "use_safetensors": True, "dtype": getattr(torch, settings.precision)}
    try:
        weighted = [name for name, kind in classes.items() if issubclass(kind, torch.nn.Module)]
        for loaded, name in enumerate(weighted):
            on_loading(loaded, len(weighted), name)
            components[name] = _load_complete(classes[name], folder / name, options)
        pipeline = _to_device(family.from_pretrained(folder, **options, **components), settings)
    except Misconfigured:
        raise
    except Exception as broken:  # a damaged folder or a missing device raises many unrelated types
        raise Misconfigured(f"the pipeline in {folder} cannot be loaded on {settings.device}: {broken}") from broken
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _to_device(pipeline: Any, settings: Settings) -> Any:
    """Move the pipeline to its device, or set up offloading."""
    if settings.offload != "none" and settings.device.split(":")[0] in ("cpu", "mps"):
        raise Misconfigured(
            f"offload needs an accelerator, but the device is {settings.device}",
            hint="Name the accelerator in COUNTERMARK_DEVICE, or set COUNTERMARK_OFFLOAD=none.",
        )
    match settings.offload:
        case "model":
            pipeline.enable_model_cpu_offload(device=settings.device)
        case "sequential":
            pipeline.enable_sequential_cpu_offload(device=settings.device)
        case "none":
            pipeline.to(settings.device)
    return pipeline


def _load_complete(kind: Any, folder: Path, options: dict[str, Any]) -> Any:
    """Load one part and check that no weight is missing: the libraries would fill it with random numbers.

    Raises:
        Misconfigured: weights are missing, or have another shape.
    """
    part, loading = kind.from_pretrained(folder, output_loading_info=True, **options)
    for what in _INCOMPLETE:
        if wrong := sorted(map(str, loading.get(what) or ())):
            named = f"{', '.join(wrong[:3])}{', ...' if len(wrong) > 3 else ''}"
            raise Misconfigured(
                f"the weights in {folder} are incomplete: {what.replace('_', ' ')}: {named}",
                hint="Download the folder again. An incomplete model generates noise.",
            )
    return part.eval().requires_grad_(False)


def _download(settings: Settings) -> Path:
    if not settings.allow_hub:
        raise Misconfigured(
            f"{settings.pipeline} is not a folder or a card, and downloading is off",
            hint="Set COUNTERMARK_ALLOW_HUB=true to download it from the hub.",
        )
    import diffusers  # noqa: PLC0415

    try:
        fetched = diffusers.DiffusionPipeline.download(settings.pipeline, use_safetensors=True)
    except Exception as failed:  # the hub client raises many unrelated types
        raise Unavailable(f"{settings.pipeline} could not be downloaded from the hub: {failed}") from failed
    return Path(fetched)
