"""The gateway, put together from its parts; and the parts that are opened from the settings."""

from collections.abc import Callable, Sequence
from pathlib import Path

from detectors import IMAGE_SAFETY, OpenNsfw
from detectors.prompts import PromptScreen, RuleFileError
from models import ModelError
from service.adapters.registry import Adapters
from service.gateway.admission import Admission, Screen
from service.gateway.options import GatewayOptions
from service.gateway.pipeline import Gateway
from service.gateway.recording import RefusalRecorder
from service.gateway.review import DraftReview
from service.gateway.review_queue import ReviewQueue
from service.gateway.screening import Checker, Screening
from service.gateway.stages import AdmitStage, IssueStage, MarkStage, ProveStage, RenderStage, ScreenStage, SignStage
from service.gateway.stages.labelling import Labelling
from service.gateway.steering import Steering
from service.generation import Backend
from service.generation.diffusers.safety_checker import FolderChecker, brings_checker
from service.generation.upscale import Upscaling
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import added_cards, pulled_cards
from service.kit.settings import Settings
from service.ledger.ledger import Ledger
from service.ledger.publisher import CheckpointPublisher
from service.likeness.checks import Likeness
from service.moderation.blocklist import Blocklist
from watermark import Codec
from watermark.c2pa.credentials import Credentials


def build_gateway(
    backend: Backend,
    prompts: Screen,
    checkers: Sequence[Checker],
    codec: Codec,
    credentials: Credentials,
    ledger: Ledger,
    options: GatewayOptions,
    digest_prompt: Callable[[str], str],
    blocklist: Blocklist,
    likeness: Likeness,
    adapters: Adapters,
    publisher: CheckpointPublisher,
    review_queue: ReviewQueue | None = None,
) -> Gateway:
    """A gateway over one model. Without a `review_queue`, images are never kept for review.

    Raises ValueError without checkers: an empty list would pass everything.
    """
    screening = Screening(checkers, blocklist, likeness, options.screen_timeout)
    model = Upscaling(backend)  # around every backend, so that none can leave out what the manifest will say
    review = DraftReview(review_queue, model)
    labelling = Labelling.of(options)
    mark = MarkStage(codec, labelling, options.finish_timeout)
    render = RenderStage(model, options.render_timeout)
    screen = ScreenStage(screening, mark, review.hold, options.min_edit_area)
    return Gateway(
        backend=model,
        screening=screening,
        admit=AdmitStage(Admission(model, prompts, screening, likeness, adapters, options), model, ledger),
        render=render,
        screen=screen,
        steering=Steering(render, screen, model, options.steering_retries),
        mark=mark,
        sign=SignStage(credentials, model, options),
        prove=ProveStage(credentials, labelling, options.finish_timeout),
        issue=IssueStage(ledger, publisher, likeness.consent.grants, adapters, digest_prompt, review.handed_over),
        recorder=RefusalRecorder(ledger, model, digest_prompt),
        review=review,
    )


def open_checkers(settings: Settings) -> list[Checker]:
    """The safety checkers of every pipeline: ours, the pulled ones, and the operator's own cards. None is skipped.

    Raises:
        Unavailable: one of them is missing, altered or not working.
    """
    threads, providers = settings.threads, settings.onnx_providers
    more = [*pulled_cards(IMAGE_SAFETY, settings), *added_cards(IMAGE_SAFETY, settings)]
    try:
        ours = OpenNsfw(threads=threads, providers=providers)
        return [ours, *(IMAGE_SAFETY.open(card, threads=threads, providers=providers) for card in more)]
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def open_folder_checker(settings: Settings, folder: Path) -> list[Checker]:
    """The safety checker that the pipeline in `folder` brings along, if it brings one.

    Raises:
        Unavailable: it names one that is missing, incomplete or not working.
    """
    try:
        return [FolderChecker(folder, device=settings.device)] if brings_checker(folder) else []
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def open_screen(settings: Settings, more_rules: Sequence[Path] = ()) -> PromptScreen:
    """The prompt screen alone, with the settings' rule files and `more_rules`.

    Raises:
        Unavailable: the model is missing, altered or not working.
        Misconfigured: a rule file cannot be used, or fails its own tests.
    """
    files = (*settings.prompt_rules, *more_rules)
    try:
        return PromptScreen(files, threads=settings.threads, providers=settings.onnx_providers)
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable
    except RuleFileError as wrong:
        raise Misconfigured(str(wrong), hint="Correct the rule file; docs/prompts.md explains the format.") from wrong
