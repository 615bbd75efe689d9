"""All parts of one installation, opened from its settings. The only place where parts are chosen."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL

from detectors import BoxCard, Encoder, Member, OpenNsfw, SafetyCard, Synthetic
from detectors.prompts import PromptScreen, RuleFileError
from models import Card, ModelError, find_card
from service import faces, home, keys, marks
from service.adapters import Adapters
from service.appeals import Appeals
from service.blocklist import Blocklist
from service.cards import known_cards, store
from service.classifier import Classifier, Thresholds
from service.consent import Consent
from service.errors import Misconfigured, Unavailable
from service.examiner import Examiner
from service.gateway import Gateway
from service.generation import Backend
from service.generation.energy import open_meter
from service.generation.loading import OnLoading, load_backend, log_loading
from service.generation.queue import Queue
from service.generation.safety_checker import FolderChecker, brings_checker
from service.held import Held
from service.ledger import Ledger
from service.likeness import Likeness
from service.liveness import Liveness, PoseSequence
from service.pictures import Picture, limits_of
from service.receipts import Signer
from service.report import Inferred
from service.rules import Rules
from service.screening import Checker
from service.settings import Settings
from service.takedowns import Takedowns
from service.tenants import Tenants
from watermark import Codec
from watermark.credentials import Credentials

LEDGER_FILE = "ledger.db"
ENCODER = "clip-vit-b16"


@dataclass
class House:
    """An open installation. The gateway, which needs torch, is loaded when it is first asked for."""

    settings: Settings
    ledger: Ledger
    codec: Codec
    credentials: Credentials
    examiner: Examiner = field(init=False)
    blocklist: Blocklist = field(init=False)
    takedowns: Takedowns = field(init=False)
    appeals: Appeals = field(init=False)
    consent: Consent = field(init=False)
    likeness: Likeness = field(init=False)
    adapters: Adapters = field(init=False)
    liveness: Liveness = field(init=False)
    on_loading: OnLoading = field(default=log_loading)
    tenants: Tenants = field(init=False)
    held: Held = field(init=False)
    _gateway: Gateway | None = None
    _classifier: Classifier | None = None
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _opening: threading.Lock = field(default_factory=threading.Lock)  # the examiner must not wait for a pipeline

    def __post_init__(self) -> None:
        limits = limits_of(self.settings)
        foreign = marks.foreign_codecs(self.settings)
        self.examiner = Examiner(self.codec, self.credentials, self.ledger, limits, self._infer, foreign)
        vault, digest = keys.vault(self.settings), keys.prompt_digester(self.settings)
        self.blocklist = Blocklist(self.ledger)
        self.takedowns = Takedowns(
            self.ledger,
            self.blocklist,
            vault,
            digest,
            self._read_mark,
            block_at_receipt=self.settings.block_at_receipt,
        )
        signer = Signer(keys.receipt_key(self.settings), self.settings.provider)
        self.consent = Consent(self.ledger, self.blocklist, vault, signer)
        self.likeness = Likeness(
            self.consent,
            lambda: faces.open_model(self.settings),
            self.settings.likeness_review_distance,
            self.settings.grantee,
        )
        self.adapters = Adapters(self.settings.home, vault, self.ledger)
        self.liveness = PoseSequence(self.ledger.engine)
        self.tenants = Tenants(self.ledger, self.settings.grantee)
        self.held = Held(self.ledger, vault, self.settings.home / "held", self.settings.keep_held_days, digest)
        self.appeals = Appeals(self.ledger, self.takedowns, vault, digest)

    @property
    def gateway(self) -> Gateway:
        """The gateway with its pipeline loaded, its checkers proven and its prompt rules tested.

        Raises:
            Unavailable: torch is not installed, or a model is missing, altered or not working.
            Misconfigured: the pipeline setting names nothing that can be loaded, or a rule file cannot be used.
        """
        with self._loading:
            if self._gateway is None:
                self._gateway = self._open_gateway()
            return self._gateway

    @property
    def classifier(self) -> Classifier:
        """The classifiers of synthetic pictures, with the encoder where it has been pulled.

        Raises:
            Unavailable: a model is missing, altered or cannot be loaded.
            Misconfigured: the threshold file cannot be used.
        """
        with self._opening:
            if self._classifier is None:
                self._classifier = open_classifier(self.settings)
            return self._classifier

    @property
    def generates(self) -> bool:
        """The gateway has been loaded."""
        return self._gateway is not None

    def _infer(self, picture: Picture) -> Inferred:
        """Loads the classifiers when the first picture is judged, not before."""
        return self.classifier.infer(picture)

    def _read_mark(self, picture: Picture) -> int | None:
        reading = self.codec.extract(picture.rgb)
        return None if reading is None else reading.mark_id

    def close(self) -> None:
        self.ledger.close()

    def _open_gateway(self) -> Gateway:
        settings = self.settings
        rules = Rules(
            provider=settings.provider,
            safety_threshold=settings.safety_threshold,
            screen_timeout=settings.screen_timeout,
            render_timeout=settings.render_timeout,
            finish_timeout=settings.finish_timeout,
            safe_retries=settings.safe_retries,
            limits=limits_of(settings),
            energy_in_manifest=settings.energy_in_manifest,
        )
        self.blocklist.load()  # a long list takes seconds, which the first picture would pay for
        prompts = open_screen(settings)  # before the pipeline: without it nothing may run
        checkers = open_checkers(settings)
        try:
            backend = load_backend(settings, self.on_loading)
        except ModelError as unusable:
            raise Unavailable(str(unusable)) from unusable
        checkers += open_folder_checker(settings, backend.folder)
        return Gateway(
            open_queue(settings, backend),
            prompts,
            checkers,
            self.codec,
            self.credentials,
            self.ledger,
            rules,
            keys.prompt_digester(settings),
            self.blocklist,
            self.likeness,
            self.adapters,
            self.held,
        )


def open_queue(settings: Settings, backend: Backend) -> Queue:
    """The queue in front of `backend`, which measures what each picture costs."""
    return Queue(
        backend,
        length=settings.queue_length,
        patience=settings.queue_timeout,
        batch_size=settings.batch_size,
        meter=open_meter(settings.device, settings.threads, settings.watts),
    )


def open_classifier(settings: Settings) -> Classifier:
    """The classifiers alone: neither ledger nor keys are opened or made.

    Raises:
        Unavailable, Misconfigured: as `House.classifier`.
    """
    card = find_card(ENCODER).kept_in(store(settings))
    threads, providers = settings.threads, settings.onnx_providers
    try:
        pulled = card.source.root().exists()
        encoder = Encoder(card, threads=threads, providers=providers) if pulled else None
        members = [Member(card, threads=threads, providers=providers) for card in _members(settings)]
        detector = Synthetic(encoder, members=members, threads=threads, providers=providers)
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable
    thresholds = Thresholds.load(settings.thresholds) if settings.thresholds else None
    limits = limits_of(settings)
    return Classifier(detector, limits, settings.threshold_fpr, thresholds)


def _members(settings: Settings) -> list[Card]:
    """Cards of classifiers that an operator added."""
    return [c for c in known_cards(settings) if c.task == "synthetic-detection" and c.source.kind != "shipped"]


def open_checkers(settings: Settings) -> list[Checker]:
    """The safety checkers of every pipeline: ours, and each that an operator added by its card. None is skipped.

    Raises:
        Unavailable: one of them is missing, altered or not working.
    """
    threads, providers = settings.threads, settings.onnx_providers
    added = [c for c in known_cards(settings) if c.task == "image-safety" and c.name != OpenNsfw.name]
    try:
        ours = OpenNsfw(threads=threads, providers=providers)
        return [ours, *(_checker_of(card)(card, threads=threads, providers=providers) for card in added)]
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def _checker_of(card: Card) -> type[SafetyCard] | type[BoxCard]:
    """What a card of task image-safety describes: a detector of objects if it says so, else a classifier."""
    return BoxCard if card.options.get("output") == "boxes" else SafetyCard


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


def open_house(settings: Settings) -> House:
    """Open the ledger and keys, making them at first start; loads no model.

    Raises:
        Misconfigured, Unavailable: home, keys or database cannot be used.
    """
    folder = home.prepare(settings.home)
    ledger = Ledger.open(settings.database_url or URL.create("sqlite", database=str(folder / LEDGER_FILE)))
    codec, credentials = keys.codec(settings), keys.credentials(settings)
    return House(settings, ledger, codec, credentials)
