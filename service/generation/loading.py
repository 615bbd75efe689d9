"""The backend that the settings name."""

from models import find_card
from service.generation.diffusers import loading as diffusers
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import EMBEDDED, OnLoading, log_loading
from service.generation.embedded.backend import EmbeddedBackend
from service.generation.embedded.networks import load_networks
from service.kit.errors import Unavailable
from service.kit.settings import Settings


def load_backend(settings: Settings, on_loading: OnLoading = log_loading) -> EmbeddedBackend | DiffusersBackend:
    """Load the model named by the settings: the embedded one without torch where it runs on the processor in float32.

    Raises:
        Unavailable: the model needs the `generate` extra, which is not installed, or a download failed.
        ModelError: files on a card are missing or differ.
        Misconfigured: the folder is not a supported pipeline, or downloading is not allowed.
    """
    where = settings.device, settings.precision, settings.offload
    if settings.pipeline != "embedded" or where != ("cpu", "float32", "none"):
        return diffusers.load_backend(settings, on_loading)
    card = find_card(EMBEDDED)
    folder = card.verified_root()
    networks = load_networks(card, settings.threads, on_loading)
    return EmbeddedBackend(card, folder, networks, lambda: _in_torch(settings, on_loading))


def _in_torch(settings: Settings, on_loading: OnLoading) -> DiffusersBackend:
    try:
        diffusers.require()
    except Unavailable as missing:
        raise Unavailable(
            "the embedded model needs torch for adapters, and for schedulers other than ddim and dpmpp_2m",
            hint="Leave them out, or install torch: pip install 'countermark[generate]'.",
        ) from missing
    return diffusers.load_backend(settings, on_loading)
