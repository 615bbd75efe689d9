"""The examiner's parts, opened from the settings."""

from detectors import IMAGE_FEATURES, SYNTHETIC_DETECTION, Synthetic
from models import ModelError, find_card
from service.examiner.classifier import Classifier, Thresholds
from service.examiner.examination import Sources
from service.examiner.examiner import Examiner
from service.examiner.lanes import LANES
from service.kit.errors import Unavailable
from service.kit.model_store import added_cards, store
from service.kit.settings import Settings
from service.media.pictures import ImageLimits, open_limits

ENCODER = "clip-vit-b16"


def open_examiner(sources: Sources, limits: ImageLimits) -> Examiner:
    """An examiner with every lane of evidence. Raises Misconfigured if a lane's settings cannot be used."""
    return Examiner(sources, limits, [lane.open(sources) for lane in LANES])


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
        added = added_cards(SYNTHETIC_DETECTION, settings)
        members = [SYNTHETIC_DETECTION.open(each, threads=threads, providers=providers) for each in added]
        detector = Synthetic(encoder, members=members, threads=threads, providers=providers)
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable
    thresholds = Thresholds.load(settings.thresholds_file) if settings.thresholds_file else None
    return Classifier(detector, limits or open_limits(settings), settings.threshold_fpr, thresholds)
