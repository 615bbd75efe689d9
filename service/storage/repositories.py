"""All tables of one transaction, each behind its repository."""

from service.storage.answers import AnswerRepository
from service.storage.api_keys import ApiKeyRepository
from service.storage.appeals import AppealRepository
from service.storage.blocklist import BlocklistRepository
from service.storage.challenges import ChallengeRepository
from service.storage.decisions import DecisionRepository
from service.storage.examinations import ExaminationRepository, FeedbackRepository
from service.storage.grants import GrantRepository, UseRepository
from service.storage.held import HeldRepository
from service.storage.identity import IdentityRepository
from service.storage.images import ImageRepository
from service.storage.jobs import JobImageRepository, JobRepository
from service.storage.key_usage import KeyUsageRepository
from service.storage.merkle import MerkleRepository
from service.storage.operator_sessions import OperatorSessionRepository
from service.storage.pin_failures import PinFailureRepository
from service.storage.session import Session
from service.storage.subjects import SubjectRepository, TemplateRepository
from service.storage.takedowns import TakedownRepository
from service.storage.tenants import TenantRepository
from service.storage.webhooks import DeliveryRepository, WebhookRepository
from service.storage.wrapped_keys import WrappedKeyRepository


class Repositories:
    """Everything that is stored, as of one transaction."""

    def __init__(self, session: Session) -> None:
        self.identity = IdentityRepository(session)
        self.decisions = DecisionRepository(session)
        self.merkle = MerkleRepository(session)
        self.images = ImageRepository(session)
        self.blocklist = BlocklistRepository(session)
        self.takedowns = TakedownRepository(session)
        self.appeals = AppealRepository(session)
        self.subjects = SubjectRepository(session)
        self.templates = TemplateRepository(session)
        self.grants = GrantRepository(session)
        self.uses = UseRepository(session)
        self.challenges = ChallengeRepository(session)
        self.pin_failures = PinFailureRepository(session)
        self.tenants = TenantRepository(session)
        self.api_keys = ApiKeyRepository(session)
        self.key_usage = KeyUsageRepository(session)
        self.operator_sessions = OperatorSessionRepository(session)
        self.held = HeldRepository(session)
        self.answers = AnswerRepository(session)
        self.jobs = JobRepository(session)
        self.job_images = JobImageRepository(session)
        self.webhooks = WebhookRepository(session)
        self.deliveries = DeliveryRepository(session)
        self.wrapped_keys = WrappedKeyRepository(session)
        self.examinations = ExaminationRepository(session)
        self.feedback = FeedbackRepository(session)
