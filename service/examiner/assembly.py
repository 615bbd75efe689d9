"""The examiner's parts, opened from the settings."""

from collections.abc import Callable, Sequence

from detectors import IMAGE_FEATURES, SYNTHETIC_DETECTION, Synthetic
from models import Card, ModelError, find_card
from service.examiner.candidates import is_next_version, open_candidate
from service.examiner.classifier import Classifier, Thresholds
from service.examiner.examination import Sources
from service.examiner.examiner import Examiner
from service.examiner.lanes import LANES
from service.examiner.shadow import Shadow
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import added_cards, store
from service.kit.settings import Settings
from service.media.pictures import ImageLimits, open_limits

ENCODER = "clip-vit-b16"


def open_examiner(sources: Sources, limits: ImageLimits) -> Examiner:
    """An examiner with every lane of evidence. Raises Misconfigured if a lane's settings cannot be used."""
    return Examiner(sources, limits, [lane.open(sources) for lane in LANES])


def open_shadow(settings: Settings, active: Callable[[], Classifier]) -> Shadow | None:
    """What runs the model on trial, if the settings name one and scores are recorded. Loads nothing yet."""
    if not settings.shadow_card or not settings.score_retention_days:
        return None
    return Shadow(settings.shadow_card, lambda: open_candidate(settings, active().encoder), settings.shadow_share)


def _check_members(cards: Sequence[Card]) -> None:
    """A next version of the detector is no member: it would count twice. Raises Misconfigured."""
    if found := next((card for card in cards if is_next_version(card)), None):
        raise Misconfigured(
            f"the card {found.name} is a version of the shipped detector, which is no member beside it",
            hint=f"Set COUNTERMARK_SHADOW_CARD={found.name} to try it, or remove its card.",
        )


def open_classifier(settings: Settings, limits: ImageLimits | None = None) -> Classifier:
    """The classifiers alone; opens neither ledger nor keys. `limits`: unset, those of the settings.

    Raises:
        Unavailable, Misconfigured: as `Installation.classifier`.
    """
    card = find_card(ENCODER).kept_in(store(settings))
    threads, providers = settings.threads, settings.onnx_providers
    try:
        pulled = card.source.root().exists()
        encoder = IMAGE_FEATURES.open(card, threads=threads, providers=providers) if pulled else None
        added = [card for card in added_cards(SYNTHETIC_DETECTION, settings) if card.name != settings.shadow_card]
        _check_members(added)
        members = [SYNTHETIC_DETECTION.open(each, threads=threads, providers=providers) for each in added]
        detector = Synthetic(encoder, members=members, threads=threads, providers=providers)
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable
    thresholds = Thresholds.load(settings.thresholds_file) if settings.thresholds_file else None
    return Classifier(detector, limits or open_limits(settings), settings.threshold_fpr, thresholds)
