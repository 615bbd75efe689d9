"""What each use case can fail with, as data: the OpenAPI document lists these on every operation that runs it.

A use case names the errors of its own. What any request can meet (a bug, a body that is too large, a missing key) is
derived from the operation itself; see `service.api.openapi`.
"""

from collections.abc import Mapping

from service.kit.errors import (
    AdapterRefused,
    BackupUnusable,
    BadRequest,
    Blocked,
    BrokenArchive,
    BrokenList,
    BrokenPicture,
    Busy,
    Cancelled,
    CheckpointNotTaken,
    ClientRemoved,
    Disconnected,
    EditTooSmall,
    EmptyPrompt,
    Error,
    FaceModelChanged,
    FileUnreadable,
    Gone,
    HeadTooLarge,
    InputError,
    JobAbandoned,
    JobCancelled,
    JobUnfinished,
    LedgerCorrupt,
    LedgerMismatch,
    LikenessHeld,
    LikenessRefused,
    MalformedProof,
    Misconfigured,
    NoFace,
    NotFound,
    NothingKnown,
    NotLive,
    Overloaded,
    PinTooShort,
    PromptRefused,
    ProofInvalid,
    QueryTooLong,
    QuotaExceeded,
    Refusal,
    RequestTimeout,
    ScopeMissing,
    StageFailed,
    SwitchedOff,
    TooLarge,
    TooManyExaminations,
    TooManyPins,
    Unavailable,
    UnknownHost,
    Unmarkable,
    Unsafe,
    UnsupportedFormat,
    UnsupportedPixels,
    UntrustedLog,
)

Failures = tuple[type[Error], ...]

EVERY_REQUEST: Failures = (Error, TooLarge, HeadTooLarge, RequestTimeout, UnknownHost, Overloaded, Unavailable)
"""A bug; a body or headers over the limit, or too slow; a host that is not allowed; too many connections or uploads;
a store that does not answer."""

_DECODE: Failures = (TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, Unavailable)
_PIN: Failures = (TooManyPins, PinTooShort)
_RELEASE: Failures = (
    ScopeMissing,
    BadRequest,
    EmptyPrompt,
    NothingKnown,
    LikenessRefused,
    LikenessHeld,
    AdapterRefused,
    PromptRefused,
    Unsafe,
    Blocked,
    Unmarkable,
    StageFailed,
    CheckpointNotTaken,
    ClientRemoved,
    Busy,
    FaceModelChanged,
    Misconfigured,
    Unavailable,
)

GENERATE: Failures = (*_RELEASE, QuotaExceeded)
LIST_MODELS: Failures = (Unavailable, Misconfigured)
READ_MODEL: Failures = (NotFound, Unavailable, Misconfigured)
MODERATE: Failures = (ScopeMissing, BadRequest, *_DECODE, Busy, Misconfigured)
EDIT: Failures = (*_DECODE, *_RELEASE, QuotaExceeded, EditTooSmall)
FETCH_HELD: Failures = (NotFound, Gone, *_DECODE, *_RELEASE, EditTooSmall)

_EXAMINATIONS: Failures = (ScopeMissing, QuotaExceeded, TooManyExaminations)
EXAMINE: Failures = (*_EXAMINATIONS, BadRequest, *_DECODE, Busy, Misconfigured)
DETECT: Failures = (*_EXAMINATIONS, BadRequest, *_DECODE, Busy, Misconfigured)
GIVE_FEEDBACK: Failures = (BadRequest, NotFound)

TAKE_ON_INSPECTION: Failures = (ScopeMissing, QuotaExceeded, BadRequest, BrokenArchive, TooLarge, Busy)
LIST_JOBS: Failures = (ScopeMissing, NotFound)
READ_JOB: Failures = (ScopeMissing, NotFound)
DELETE_JOB: Failures = (ScopeMissing, NotFound, JobUnfinished)
JOB_RESULT: Failures = (NotFound, JobUnfinished, JobCancelled, JobAbandoned, *_DECODE, *_RELEASE, EditTooSmall)

FILE_TAKEDOWN: Failures = (ScopeMissing, BadRequest, *_DECODE)
TAKEDOWN_STATUS: Failures = (NotFound, *_PIN, Misconfigured)
FILE_APPEAL: Failures = (BadRequest, NotFound)
APPEAL_STATUS: Failures = (NotFound, Misconfigured)

READ_RECEIPT: Failures = (NotFound,)
LIST_GRANTS: Failures = (ScopeMissing, Unavailable)
SIGNING_KEYS: Failures = ()
READ_SUBJECT: Failures = (NotFound, *_PIN)
REVOKE_GRANT: Failures = (NotFound, TooManyPins)
WITHDRAW_IMAGE: Failures = (NotFound, TooManyPins)
START_ENROLMENT: Failures = (SwitchedOff,)
ENROL: Failures = (SwitchedOff, BadRequest, NotLive, Misconfigured)

READ_CHECKPOINT: Failures = ()
READ_LOG_KEY: Failures = ()
PROVE_DECISION: Failures = (BadRequest, NotFound)
PROVE_CONSISTENCY: Failures = (BadRequest,)

MATCH_BINDING: Failures = (ScopeMissing, TooManyExaminations, BadRequest, QueryTooLong)
MATCH_LARGE_BINDING: Failures = (ScopeMissing, TooManyExaminations, BadRequest)
MATCH_CONTENT: Failures = (*_EXAMINATIONS, BadRequest, TooLarge, UnsupportedFormat)
FETCH_MANIFEST: Failures = (ScopeMissing, TooManyExaminations, BadRequest, NotFound)
SUPPORTED_ALGORITHMS: Failures = ()

LIVENESS: Failures = ()
READINESS: Failures = (Unavailable,)

NEVER_ANSWERED: Mapping[type[Error], str] = {
    InputError: "a base class",
    Refusal: "a base class",
    Cancelled: "the caller has disconnected and reads no response",
    Disconnected: "the caller has disconnected and reads no response",
    FileUnreadable: "a path on the command line",
    BrokenList: "hash lists are imported on the command line",
    NoFace: "only the command line compares two given images",
    LedgerCorrupt: "`countermark audit verify` reports it",
    MalformedProof: "proofs are checked on the command line",
    ProofInvalid: "the same",
    UntrustedLog: "the same",
    LedgerMismatch: "no server starts with such a ledger",
    BackupUnusable: "backups are restored on the command line",
}
"""Errors that no operation documents, and why no caller meets them."""
