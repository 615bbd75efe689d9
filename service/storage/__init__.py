"""The database: tables, migrations, and a repository with typed rows for each table. SQLite, or PostgreSQL by URL.

Nothing outside this package imports SQLAlchemy.
"""

from service.storage.answers import AnswerRow
from service.storage.api_keys import ApiKeyRow
from service.storage.appeals import About, AppealOutcome, AppealRow, AppealState
from service.storage.blocklist import Block, BlocklistEntry, HashKind, Listed, ListSummary
from service.storage.challenges import ChallengeRow, Pose
from service.storage.condition import DatabaseCondition, TableCondition, condition_of, revision_at
from service.storage.database import Database, sqlite_file
from service.storage.decisions import Decision, DecisionRepository, Kind, RawDecision
from service.storage.examinations import ExaminationRow, FeedbackRow, Label, Who
from service.storage.grants import GrantRow, Scope, UseRow
from service.storage.hashes import HashRows
from service.storage.held import OPEN_STATES, HeldReview, HeldRow, HeldState
from service.storage.identity import LedgerIdentity
from service.storage.images import Issue, RawImage
from service.storage.jobs import ENDED, JobKind, JobRow, JobState
from service.storage.key_usage import UsageRow
from service.storage.merkle import MerkleRepository
from service.storage.operator_sessions import OperatorSessionRow
from service.storage.pin_failures import PinFailures
from service.storage.repositories import Repositories
from service.storage.session import Session, values_of
from service.storage.snapshot import OnProgress, check_dump, check_sqlite, restore_dump
from service.storage.subjects import ProtectedTemplate, SubjectRow, TemplateRow
from service.storage.takedowns import TakedownOutcome, TakedownRow, TakedownStatus
from service.storage.tenants import TenantRow
from service.storage.webhooks import DeliveryRow, DeliveryState, WebhookRow
from service.storage.wrapped_keys import PLACES, Place, WrappedKey

__all__ = [
    "ENDED",
    "OPEN_STATES",
    "PLACES",
    "About",
    "AnswerRow",
    "ApiKeyRow",
    "AppealOutcome",
    "AppealRow",
    "AppealState",
    "Block",
    "BlocklistEntry",
    "ChallengeRow",
    "Database",
    "DatabaseCondition",
    "Decision",
    "DecisionRepository",
    "DeliveryRow",
    "DeliveryState",
    "ExaminationRow",
    "FeedbackRow",
    "GrantRow",
    "HashKind",
    "HashRows",
    "HeldReview",
    "HeldRow",
    "HeldState",
    "Issue",
    "JobKind",
    "JobRow",
    "JobState",
    "Kind",
    "Label",
    "LedgerIdentity",
    "ListSummary",
    "Listed",
    "MerkleRepository",
    "OnProgress",
    "OperatorSessionRow",
    "PinFailures",
    "Place",
    "Pose",
    "ProtectedTemplate",
    "RawDecision",
    "RawImage",
    "Repositories",
    "Scope",
    "Session",
    "SubjectRow",
    "TableCondition",
    "TakedownOutcome",
    "TakedownRow",
    "TakedownStatus",
    "TemplateRow",
    "TenantRow",
    "UsageRow",
    "UseRow",
    "WebhookRow",
    "Who",
    "WrappedKey",
    "check_dump",
    "check_sqlite",
    "condition_of",
    "restore_dump",
    "revision_at",
    "sqlite_file",
    "values_of",
]
