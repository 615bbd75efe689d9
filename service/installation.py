"""All parts of one installation, opened from its settings. The only place where parts are chosen."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from models import ModelError
from service.access.api_keys import ApiKeys
from service.access.operator_sessions import OperatorSessions
from service.access.pin_attempts import PinAttempts
from service.access.tenants import Tenants
from service.access.usage import KeyUsage
from service.adapters.registry import Adapters
from service.examiner.assembly import open_classifier, open_examiner, open_shadow
from service.examiner.classifier import Classifier
from service.examiner.examination import Sources
from service.examiner.examiner import Examiner
from service.examiner.feedback import FeedbackStore
from service.examiner.inference import Inferred
from service.examiner.scores import ScoreLog
from service.gateway.assembly import build_gateway, open_checkers, open_folder_checker, open_screen
from service.gateway.content_checks import ContentChecks
from service.gateway.options import GatewayOptions
from service.gateway.pipeline import Gateway
from service.gateway.review_queue import ReviewQueue
from service.generation.diffusers.loading import OnLoading, configured_name, log_loading
from service.generation.loading import load_backend
from service.generation.queue import open_queue
from service.jobs.answers import Answers
from service.jobs.deliveries import Deliveries
from service.jobs.files import JobFolder
from service.jobs.image_jobs import ImageJobs
from service.jobs.inspection_jobs import InspectionJobs
from service.jobs.queue import JobLimits, JobQueue
from service.jobs.webhooks import Webhooks
from service.jobs.workers import JobWorkers
from service.keys import claim_signer, signing
from service.keys.claim_signer import SigningStatus
from service.keys.vault import Vault
from service.kit import home
from service.kit.clock import stamp, utc_now
from service.kit.errors import Error, NotFound, Unavailable
from service.kit.settings import Settings
from service.labels.labelling import open_labels
from service.ledger.home_ledger import open_home_ledger, write_note
from service.ledger.ledger import Ledger
from service.ledger.publisher import CheckpointPublisher
from service.ledger.sinks import open_sink
from service.ledger.transparency import TransparencyLog, open_log
from service.likeness import comparison
from service.likeness.checks import Likeness
from service.likeness.liveness import Liveness, PoseSequence
from service.likeness.receipts import Signer
from service.likeness.registry import Consent
from service.media.credentials import IsolatedSdk
from service.media.pictures import ImageLimits, Picture, open_limits
from service.moderation.appeals import Appeals
from service.moderation.blocklist import Blocklist
from service.moderation.notices import QuarantineLimits
from service.moderation.takedowns import Takedowns
from watermark import Codec
from watermark.c2pa.credentials import Credentials

if TYPE_CHECKING:
    from service.jobs.http_sender import HttpSender

log = structlog.get_logger()


@dataclass
class Installation:
    """An open installation. The gateway, which needs torch, is loaded when it is first asked for."""

    settings: Settings
    ledger: Ledger
    codec: Codec
    credentials: Credentials
    log: TransparencyLog = field(init=False)
    publisher: CheckpointPublisher = field(init=False)
    examiner: Examiner = field(init=False)
    scores: ScoreLog = field(init=False)
    feedback: FeedbackStore = field(init=False)
    blocklist: Blocklist = field(init=False)
    takedowns: Takedowns = field(init=False)
    appeals: Appeals = field(init=False)
    consent: Consent = field(init=False)
    likeness: Likeness = field(init=False)
    adapters: Adapters = field(init=False)
    liveness: Liveness = field(init=False)
    limits: ImageLimits = field(init=False)
    on_loading: OnLoading = field(default=log_loading)
    tenants: Tenants = field(init=False)
    api_keys: ApiKeys = field(init=False)
    key_usage: KeyUsage = field(init=False)
    operator_sessions: OperatorSessions = field(init=False)
    review_queue: ReviewQueue = field(init=False)
    answers: Answers = field(init=False)
    jobs: JobQueue = field(init=False)
    webhooks: Webhooks = field(init=False)
    deliveries: Deliveries = field(init=False)
    _gateway: Gateway | None = None
    _classifier: Classifier | None = None
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _content_checks: ContentChecks | None = None
    _checking: threading.Lock = field(default_factory=threading.Lock)
    _opening: threading.Lock = field(default_factory=threading.Lock)  # the examiner must not wait for a pipeline

    def __post_init__(self) -> None:
        vault, digest = signing.vault(self.settings), signing.prompt_digester(self.settings)
        self._open_log_and_examiner(digest)
        self._open_moderation(vault, digest)
        self._open_people(vault)
        self._open_jobs(vault, digest)

    def _open_log_and_examiner(self, digest: Callable[[str], str]) -> None:
        self.log = open_log(self.ledger, signing.log_key(self.settings), self.settings.log_origin)
        self.publisher = _open_publisher(self.settings, self.log)
        self.limits = open_limits(self.settings)
        reader = self.credentials.reader.asking(IsolatedSdk(self.limits))
        sources = Sources(self.settings, self.codec, reader, self.ledger, self._infer, self._prove)
        self.examiner = open_examiner(sources, self.limits)
        shadow = open_shadow(self.settings, lambda: self.classifier)
        self.scores = ScoreLog(self.ledger, digest, self.settings.score_retention_days, shadow)
        self.feedback = FeedbackStore(self.ledger, self.scores, digest)

    def _open_moderation(self, vault: Vault, digest: Callable[[str], str]) -> None:
        self.blocklist = Blocklist(self.ledger)
        self.pins = PinAttempts(self.ledger, digest)
        self.takedowns = Takedowns(
            self.ledger,
            self.blocklist,
            vault,
            digest,
            self._read_mark,
            block_on_notice=self.settings.block_on_notice,
            quarantine=QuarantineLimits(
                dt.timedelta(days=self.settings.quarantine_days),
                self.settings.quarantine_limit,
                self.settings.quarantine_per_address,
            ),
        )
        self.appeals = Appeals(self.ledger, self.takedowns, vault, digest)
        self.review_queue = ReviewQueue(
            self.ledger, vault, self.settings.home / "held", self.settings.held_retention_days, digest
        )

    def _open_people(self, vault: Vault) -> None:
        """Whose likeness is protected, and who may ask for what."""
        signer = Signer(signing.receipt_key(self.settings), self.settings.provider)
        self.consent = Consent(self.ledger, vault, signer)
        self.likeness = Likeness(
            self.consent,
            lambda: comparison.open_model(self.settings),
            self.settings.likeness_review_distance,
            self.settings.grantee,
        )
        self.adapters = Adapters(self.settings.home, vault, self.ledger)
        self.liveness = PoseSequence(self.ledger)
        self.tenants = Tenants(self.ledger, self.settings.grantee)
        self.api_keys = ApiKeys(self.ledger)
        self.key_usage = KeyUsage(self.ledger)
        self.operator_sessions = OperatorSessions(self.ledger, self.tenants)

    def _open_jobs(self, vault: Vault, digest: Callable[[str], str]) -> None:
        """What outlives a request."""
        folder, lease = self.settings.home, dt.timedelta(seconds=self.settings.work_lease)
        answers = dt.timedelta(hours=self.settings.idempotency_hours)
        self.answers = Answers(self.ledger, vault, folder / home.ANSWERS_FOLDER, digest, kept=answers, lease=lease)
        kept = dt.timedelta(hours=self.settings.job_retention_hours)
        self.webhooks = Webhooks(self.ledger, vault, lambda url: self._sender().check(url))
        self.deliveries = Deliveries(self.ledger, self.webhooks, self._send, kept)
        self.jobs = JobQueue(
            self.ledger,
            JobFolder(folder / home.JOBS_FOLDER, vault, digest),
            JobLimits(unfinished=self.settings.job_queue, kept=kept, lease=lease),
            self.deliveries.announce,
        )

    def job_workers(self) -> JobWorkers:
        """New threads for jobs, idle until they are started. Whoever starts them closes them."""
        images = ImageJobs(lambda: self.gateway, self.ledger, self.publisher, self.tenants)
        inspections = InspectionJobs(self.examiner.examine)
        return JobWorkers(
            self.jobs,
            {"images.generation": images, "images.edit": images, "inspection": inspections},
            self.settings.job_workers,
            self.deliveries.deliver_next,
        )

    @property
    def gateway(self) -> Gateway:
        """The gateway with its pipeline loaded, its checkers proven and its prompt rules tested.

        Raises:
            Unavailable: torch is not installed, or a model is missing, altered or not working.
            Misconfigured: the trial signature fails, the pipeline setting names nothing that can be loaded, or a rule
                file cannot be used.
        """
        with self._loading:
            if self._gateway is None:
                self._gateway = self._open_gateway()
            return self._gateway

    @property
    def content_checks(self) -> ContentChecks:
        """The prompt screen and the safety checkers, which work without the pipeline.

        Raises:
            Unavailable: a model is missing, altered or not working.
            Misconfigured: a rule file cannot be used.
        """
        with self._checking:
            if self._content_checks is None:
                settings = self.settings
                prompts, checkers = open_screen(settings), open_checkers(settings)
                self._content_checks = ContentChecks(
                    prompts, checkers, settings.safety_threshold, settings.screen_timeout
                )
            return self._content_checks

    @property
    def model_name(self) -> str:
        """The name of the model that generates. Loads it only if the settings do not tell.

        Raises:
            Unavailable, Misconfigured: as `gateway`.
        """
        if self._gateway is None and (name := configured_name(self.settings)) is not None:
            return name
        return self.gateway.backend.identity.name

    @property
    def classifier(self) -> Classifier:
        """The classifiers of synthetic pictures, with the encoder where it has been pulled.

        Raises:
            Unavailable: a model is missing, altered or cannot be loaded.
            Misconfigured: the threshold file cannot be used.
        """
        with self._opening:
            if self._classifier is None:
                self._classifier = open_classifier(self.settings, self.limits)
            return self._classifier

    def orders_need_key(self) -> bool:
        """Whether everybody must show a key to order images. Raises Unavailable."""
        return self.settings.public_verification or self.tenants.keys_needed()

    @property
    def generates(self) -> bool:
        """The gateway has been loaded."""
        return self._gateway is not None

    def check_signer(self) -> SigningStatus:
        """Make a trial signature, and log a certificate that expires soon. Raises Misconfigured if it does not hold."""
        status = claim_signer.check(self.credentials, self.settings, utc_now())
        if status.warning:
            log.warning("signing_certificate_expires", not_after=stamp(status.not_after), days=status.days_left)
        return status

    @property
    def signing(self) -> SigningStatus:
        """What signs Content Credentials, and until when."""
        return claim_signer.status(self.credentials, self.settings, utc_now())

    def warnings(self) -> list[str]:
        """What the operator should see to soon. Raises Unavailable where the ledger does not answer."""
        found = (self.signing.warning, self.pins.warning(), self.likeness.warning(), self._shadow_warning())
        return [each for each in found if each]

    def _shadow_warning(self) -> str | None:
        if self.settings.shadow_card and not self.settings.score_retention_days:
            return "shadow_card is set, but scores are not recorded: set score_retention_days"
        return None

    def _send(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        return self._sender()(url, body, headers)

    def _sender(self) -> "HttpSender":
        """Sends messages to webhooks. Most commands send none, and need not import what does."""
        from service.jobs.http_sender import HttpSender  # noqa: PLC0415

        return HttpSender(private=self.settings.webhook_private_addresses)

    def _infer(self, picture: Picture) -> Inferred:
        """Loads the classifiers when the first image is classified, not before."""
        classifier = self.classifier
        if not self.scores.on:
            return classifier.infer(picture)
        prepared = classifier.prepare(picture)
        (inference,) = classifier.judge([prepared])
        return self.scores.note(classifier.say(inference), picture.sha256, prepared)

    def _prove(self, content_id: str) -> str | None:
        """The proof that the image was issued, which tells nothing else about it."""
        try:
            decision = self.log.find(content_id)
        except NotFound:  # somebody removed the decision; an audit names it
            return None
        return str(self.publisher.prove(decision, disclose=False).proof)

    def _read_mark(self, picture: Picture) -> int | None:
        reading = self.codec.extract(picture.rgb)
        return None if reading is None else reading.mark_id

    def close(self) -> None:
        self.scores.close()
        self.publisher.close()
        self.limits.parsers.close()
        try:
            if signing.exist(self.settings.home):  # it may have been removed, and must not come back
                write_note(self.settings.home, self.ledger)
        except (Error, OSError) as fault:  # a ledger that is gone has nothing to note
            log.warning("ledger_not_noted", error=type(fault).__name__)
        self.ledger.close()

    def _open_gateway(self) -> Gateway:
        settings = self.settings
        self.check_signer()
        options = GatewayOptions(
            provider=settings.provider,
            safety_threshold=settings.safety_threshold,
            screen_timeout=settings.screen_timeout,
            render_timeout=settings.render_timeout,
            finish_timeout=settings.finish_timeout,
            steering_retries=settings.steering_retries,
            limits=self.limits,
            energy_in_manifest=settings.energy_in_manifest,
            labels=open_labels(settings),
            min_edit_area=settings.min_edit_area,
            thumbnail=settings.credential_thumbnail,
        )
        self.blocklist.load()  # a long list takes seconds, which the first picture would pay for
        checks = self.content_checks  # before the pipeline: without them nothing may run
        try:
            backend = load_backend(settings, self.on_loading)
        except ModelError as unusable:
            raise Unavailable(str(unusable)) from unusable
        checkers = [*checks.checkers, *open_folder_checker(settings, backend.folder)]
        return build_gateway(
            open_queue(settings, backend),
            checks.prompts,
            checkers,
            self.codec,
            self.credentials.screening(IsolatedSdk(self.limits)),
            self.ledger,
            options,
            signing.prompt_digester(settings),
            self.blocklist,
            self.likeness,
            self.adapters,
            self.publisher,
            self.review_queue,
        )


def _open_publisher(settings: Settings, log: TransparencyLog) -> CheckpointPublisher:
    """The publisher with the settings' sinks. Raises Misconfigured for an address that cannot be used."""
    timeout = settings.checkpoint_timeout
    return CheckpointPublisher(
        log,
        [open_sink(address, timeout, required=True) for address in settings.required_checkpoint_sinks],
        [open_sink(address, timeout, required=False) for address in settings.checkpoint_sinks],
        timeout=timeout,
        seconds=settings.checkpoint_seconds,
    )


def open_installation(settings: Settings) -> Installation:
    """Open the ledger and keys, making them at first start; loads no model.

    Raises:
        Misconfigured, Unavailable: home, keys or database cannot be used.
        LedgerMismatch: the ledger is not the one that belongs to the keys.
    """
    home.protect(home.prepare(settings.home))
    ledger = open_home_ledger(settings)
    codec, credentials = signing.codec(settings), signing.credentials(settings)
    return Installation(settings, ledger, codec, credentials)
