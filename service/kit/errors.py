"""Every error the product raises, as one tree.

    Error
    +-- InputError            the input cannot be used
    |   +-- BadRequest (EmptyPrompt, NothingKnown), QueryTooLong, UnsupportedFormat, BrokenPicture, TooLarge,
    |       UnsupportedPixels, FileUnreadable, BrokenArchive, BrokenList, NoFace, NotLive, MalformedProof,
    |       IdempotencyKeyReused
    +-- Refusal               the gateway will not release this image
    |   +-- PromptRefused     ... because of its prompt
    |   +-- LikenessRefused, LikenessHeld     ... because of a face it shows, or may show
    |   +-- AdapterRefused    ... because of an adapter it asks for
    |   +-- Unsafe            ... because of what it shows
    |   +-- Blocked           ... because it is on a hash list
    |   +-- Unmarkable        ... because the watermark cannot be read back from it
    |   +-- StageFailed       ... because a stage failed
    |   +-- Gone              ... because the held image has expired or was already released
    |   +-- ClientRemoved     ... because the client's key was revoked meanwhile
    |   +-- CheckpointNotTaken ... because its record was not witnessed
    |   +-- Cancelled         ... because the client cancelled the request
    +-- TooMany               too many requests from one address
    |   +-- RateLimited, QuotaExceeded     ... or with one key
    +-- NotFound              no such resource
    +-- Unauthorized          the key is missing or not valid
    |   +-- KeyExpired, KeyRevoked     ... any more
    +-- ScopeMissing          the key is valid and not for this
    +-- SwitchedOff           the operator has not enabled this feature
    +-- IdempotencyKeyInUse   the request with this key is still being answered
    +-- JobUnfinished         the job has no result yet
    +-- JobCancelled          the job was cancelled and has no result
    +-- JobAbandoned          the job was begun again and again and never got on
    +-- Busy                  too much work waits already
    +-- Overloaded            too many connections or uploads at once
    +-- RequestTimeout        the request did not arrive in time
    +-- HeadTooLarge          the headers of the request are too large
    +-- UnknownHost           the request names a host that this server is not
    +-- Disconnected          the client left before it was answered
    +-- Unavailable           a required part is missing or not ready
    +-- Misconfigured         a setting is wrong
    |   +-- FaceModelChanged  people were enrolled with another face model
    +-- LedgerCorrupt         the ledger contradicts itself
    +-- ProofInvalid          a proof of the audit log does not hold
    +-- UntrustedLog          a checkpoint of the audit log is not signed with the given key
    +-- LedgerMismatch        the ledger is not the one that belongs to the home folder's keys
    +-- BackupUnusable        a backup is damaged, incomplete, or encrypted with another passphrase

Each class has a stable `code`, an HTTP status, a process exit code, and a `hint` that says what to do next.
Messages never carry personal data.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
"""What the path of a field looks like."""


class Error(Exception):
    """Base of the tree. `message` says what happened and why, `hint` what to do next."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    hint: str = "This is a bug in Countermark. Please report it with the request id."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class InputError(Error):
    code = "bad_input"
    status = 400
    exit_code = 5
    hint = "Send a PNG, JPEG, WebP, AVIF or TIFF image."


class BadRequest(InputError):
    """`param`: the field of the request that is wrong, by its name there; None if it is no single field."""

    code = "bad_request"
    exit_code = 2
    hint = "Correct the field named in the message. The API schema is at /docs."

    def __init__(self, message: str, *, hint: str | None = None, param: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.param = param


class EmptyPrompt(BadRequest):
    """A prompt with nothing to see in it, and no image to start from."""

    code = "empty_prompt"
    hint = "Describe the image in words."

    def __init__(self) -> None:
        super().__init__("the prompt is empty: it has only spaces or invisible characters", param="prompt")


class NothingKnown(BadRequest):
    """A prompt of which the model knows no word. `words`: some that it knows; `near`: they are near the prompt's."""

    code = "nothing_known"
    hint = "Use words that the model knows (its card lists them), or another model."

    def __init__(self, words: Sequence[str], *, near: bool) -> None:
        named = f"The nearest it knows: {', '.join(words)}." if near else f"It knows words such as {', '.join(words)}."
        super().__init__(
            "the model knows nothing of what the prompt asks for", hint=f"{self.hint} {named}", param="prompt"
        )


class UnsupportedFormat(InputError):
    code = "unsupported_format"
    status = 415


class BrokenPicture(InputError):
    code = "broken_picture"
    status = 422
    hint = "The file is damaged or incomplete. Send the original again."


class QueryTooLong(InputError):
    code = "query_too_long"
    status = 414
    exit_code = 2
    hint = "Send the value with POST instead."


class TooLarge(InputError):
    code = "too_large"
    status = 413
    hint = "Send a smaller file, or raise the limit in the settings."


class UnsupportedPixels(InputError):
    code = "unsupported_pixels"
    status = 422
    hint = "Convert the image to 8-bit or 16-bit RGB or greyscale first."


class FileUnreadable(InputError):
    code = "file_unreadable"
    status = 404
    hint = "Check the path and the file's permissions."


class BrokenArchive(InputError):
    """A zip or tar archive, or a file in one, that is damaged or not what its directory says."""

    code = "broken_archive"
    status = 422
    hint = "The archive is damaged or incomplete. Get it again, or unpack what can be unpacked and name the folder."


class BrokenList(InputError):
    """A hash list with errors. The message names the lines, never a hash."""

    code = "broken_list"
    status = 422
    hint = "Nothing was imported. Correct the lines named in the message and import again."


class NoFace(InputError):
    code = "no_face"
    status = 422
    hint = "Send an image of one upright, front-facing face that is at least 80 px wide."


class NotLive(InputError):
    """Photos that do not satisfy a liveness challenge. The message says which and why, and nothing about the face."""

    code = "not_live"
    status = 422
    hint = "Nothing was stored. Request a new challenge and take new photos in the order it gives."


class MalformedProof(InputError):
    """A checkpoint, key or proof of the audit log that cannot be read."""

    code = "malformed_proof"
    status = 422
    hint = "Use the file as `countermark audit prove` or the API gave it; docs/audit-log.md describes the formats."


class IdempotencyKeyReused(InputError):
    """An Idempotency-Key that came before with another request."""

    code = "idempotency_key_reused"
    status = 422
    exit_code = 2
    hint = "Send the very request again that had this key, or use a new key for another request."


class Refusal(Error):
    """No image is released. `stage` is the gateway stage that refused; `content_id` identifies the order in an appeal.

    `subject` is the enrolled person concerned. It goes into the ledger, never to the caller, who may be anybody.
    """

    code = "refused"
    status = 503
    exit_code = 6
    hint = "Nothing was released. Try again. If it keeps failing, the operator can find the reason in the audit log."

    def __init__(self, message: str, *, stage: str, hint: str | None = None, subject: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.stage = stage
        self.subject = subject
        self.content_id: str | None = None

    def amended(self, *, hint: str | None = None, stage: str | None = None, content_id: str | None = None) -> Self:
        """The same refusal with more details, to be raised instead. An exception is not edited once it was raised."""
        twin = type(self).__new__(type(self), *self.args)
        twin.args = self.args
        details = {"hint": hint, "stage": stage, "content_id": content_id}
        vars(twin).update(vars(self) | {name: value for name, value in details.items() if value is not None})
        return twin


class Unsafe(Refusal):
    code = "moderation_blocked"
    status = 400
    hint = "The image did not pass the safety checks. Change the prompt or the seed."


class Blocked(Refusal):
    """On a hash list or under a takedown notice. 451, not 403: others demand it; no permission is missing."""

    code = "blocked"
    status = 451
    hint = "Blocked images are neither generated nor accepted as input. If this is a mistake, appeal."


class Unmarkable(Refusal):
    """The watermark cannot be read back from this image. The image is the reason, so the same order fails again."""

    code = "unmarkable"
    status = 422
    hint = "Nothing was released. Use another seed or prompt, or a larger size."


class EditTooSmall(Refusal):
    """An edit that leaves its input almost as it was. Signed and marked, somebody's photograph would pass for ours."""

    code = "edit_too_small"
    status = 422
    hint = "Select a larger area, or raise `strength`. The operator sets the least share (min_edit_area)."


class PromptRefused(Refusal):
    """`categories` and `rules` say why. Neither they nor the message contain any of the prompt."""

    code = "prompt_refused"
    status = 400
    hint = "Nothing was generated. Change the prompt; the operator's rules decide what is refused."

    def __init__(self, categories: Sequence[str], rules: Sequence[str] = ()) -> None:
        named = ", ".join(category.replace("_", " ") for category in categories)
        super().__init__(f"the prompt was refused ({named})", stage="admit")
        self.categories = tuple(categories)
        self.rules = tuple(rules)


class LikenessRefused(Refusal):
    """The image shows a protected person who has not granted consent."""

    code = "likeness_refused"
    status = 403
    hint = "This needs a grant from that person (`grants` in the order). If it is somebody else, appeal."


class LikenessHeld(Refusal):
    """The image may show a protected person; a human reviewer has to decide."""

    code = "likeness_held"
    status = 403
    hint = "The image may show a protected person. Appeal to have the operator review it, or order another image."

    def __init__(self, message: str, *, stage: str, subjects: Sequence[str] = ()) -> None:
        """`subjects`: the enrolled people it may show, for the ledger only."""
        super().__init__(message, stage=stage, subject=next(iter(subjects), None))
        self.subjects = tuple(subjects)


class AdapterRefused(Refusal):
    """An adapter that is not on the operator's list. Its name is not repeated: it may be the name of a person."""

    code = "adapter_refused"
    status = 403
    hint = "Only adapters on the operator's list can be used. Leave it out, or ask the operator to add it."


class StageFailed(Refusal):
    code = "stage_failed"


class Gone(Refusal):
    """The held image no longer exists."""

    code = "gone"
    status = 410
    hint = "Order another image."


class ClientRemoved(Refusal):
    """The tenant was removed, or its key replaced, while the image was being generated."""

    code = "client_removed"
    status = 403
    hint = "Ask the operator for a new key, then order again."


class CheckpointNotTaken(Refusal):
    """A sink that must take the log's checkpoints did not. The image is recorded, and nobody received it."""

    code = "checkpoint_not_taken"
    hint = "Nothing was released. Try again later; /readyz tells the operator what is wrong (docs/audit-log.md)."


class Cancelled(Refusal):
    code = "cancelled"
    status = 499
    hint = "The request was cancelled; nothing was released."


class TooMany(Error):
    """Too many requests from one address. `retry_after`: seconds until the next request is allowed."""

    code = "too_many_requests"
    status = 429
    exit_code = 7
    hint = "Wait for the number of seconds in Retry-After. The operator sets the limit (requests_per_minute)."

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests from this address; try again in {retry_after} s")
        self.retry_after = retry_after


class TooManyExaminations(TooMany):
    """Too many examinations without a key from one address. `retry_after`: seconds until the next one is allowed."""

    code = "too_many_examinations"
    hint = "Wait for the number of seconds in Retry-After, or send a tenant's key. The operator sets the limit."


class TooManyPins(TooMany):
    """Wrong PINs came from this address. `retry_after`: seconds until it may try this number again."""

    code = "too_many_pins"
    hint = "Check the PIN, and wait for the number of seconds in Retry-After. Other addresses need not wait."

    def __init__(self, retry_after: int) -> None:
        Error.__init__(self, f"too many wrong PINs from this address; try again in {retry_after} s")
        self.retry_after = retry_after


class RateLimited(TooMany):
    """Too many requests with one key, whatever address they come from. `retry_after`: seconds to wait."""

    code = "rate_limited"
    hint = "Wait for the number of seconds in Retry-After. The operator sets the limit of each key."

    def __init__(self, retry_after: int, most: int) -> None:
        """`most`: requests a minute."""
        Error.__init__(self, f"this key may send {most:,} requests a minute; try again in {retry_after} s")
        self.retry_after = retry_after
        self.most = most


class QuotaExceeded(TooMany):
    """A quota of a key is used up, or too little of it is left. `retry_after`: seconds until it begins anew."""

    code = "quota_exceeded"
    hint = "Nothing was counted. Wait until the quota begins anew (Retry-After), or ask the operator for more."

    def __init__(self, retry_after: int, *, quota: str, most: int, left: int, asked: int) -> None:
        words = quota.replace("_per_", " a ")
        Error.__init__(self, f"this key has {most:,} {words} (UTC); {left:,} are left, and {asked:,} were asked for")
        self.retry_after = retry_after
        self.quota = quota


class PinTooShort(Error):
    """A PIN of eight digits whose number is being attacked. Revoking and withdrawing still work with it."""

    code = "pin_too_short"
    status = 403
    exit_code = 7
    hint = "It still revokes grants and withdraws images. The operator can renew it (`countermark consent renew-pin`)."


class NotFound(Error):
    code = "not_found"
    status = 404
    exit_code = 1
    hint = "Check the URL or the id."


class Unauthorized(Error):
    """The API key is missing or not valid. The message never contains any part of it."""

    code = "unauthorized"
    status = 401
    exit_code = 2
    hint = "Send your key as `Authorization: Bearer cm_...`; the operator issues keys (`countermark tenants add`)."


class KeyExpired(Unauthorized):
    """The key was valid once. Only whoever sends all of it is told so."""

    code = "key_expired"
    hint = "Ask the operator for a new key (`countermark tenants keys add`, or `rotate` before a key expires)."


class KeyRevoked(Unauthorized):
    """The key was revoked or replaced. Only whoever sends all of it is told so."""

    code = "key_revoked"
    hint = "Use your newer key, or ask the operator for one (`countermark tenants keys add`)."


class ScopeMissing(Error):
    """The key is valid, and not for what it was used for. `scope` is what it lacks."""

    code = "scope_missing"
    status = 403
    exit_code = 2
    hint = "Use a key that is for this; the operator makes one (`countermark tenants keys add --scope ...`)."

    def __init__(self, scope: str) -> None:
        hint = f"Use a key with the scope `{scope}` (`countermark tenants keys add --scope {scope}` makes one)."
        super().__init__(f"this key does not have the scope `{scope}`", hint=hint)
        self.scope = scope


class SwitchedOff(Error):
    """A feature this installation has not enabled. The hint names the setting."""

    code = "switched_off"
    status = 403
    exit_code = 2
    hint = "The operator can enable it; see docs/settings.md."


class IdempotencyKeyInUse(Error):
    """The first request with an Idempotency-Key has no answer yet. `retry_after`: seconds until it is worth asking."""

    code = "idempotency_key_in_use"
    status = 409
    exit_code = 7
    hint = "Nothing was done twice. Send the same request again after the number of seconds in Retry-After."

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class JobUnfinished(Error):
    """The job waits or is worked on. `retry_after`: seconds until it is worth asking again."""

    code = "job_unfinished"
    status = 409
    exit_code = 7
    hint = "Ask again after the number of seconds in Retry-After, or follow `/v1/jobs/{job}/events`."

    def __init__(self, message: str, *, retry_after: int = 2) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class JobCancelled(Error):
    code = "job_cancelled"
    status = 410
    exit_code = 6
    hint = "Images that were released before are in the ledger. Send the order again if you want the result."


class JobAbandoned(Error):
    """The process that worked on the job died each time."""

    code = "job_abandoned"
    status = 503
    exit_code = 7
    hint = "Send it again, in smaller parts if it was large. The operator finds the reason in the log."


class Busy(Error):
    """The order was not decided on and is not in the ledger. `retry_after`: seconds until it is worth trying again."""

    code = "busy"
    status = 429
    exit_code = 7
    hint = "Nothing was generated. Try again after the number of seconds in Retry-After."

    def __init__(self, message: str, *, retry_after: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Overloaded(Error):
    """More connections or uploads at once than the operator allows. `retry_after`: seconds until it is worth a try."""

    code = "overloaded"
    status = 503
    exit_code = 7
    hint = "Nothing was done. Try again after the number of seconds in Retry-After."

    def __init__(self, message: str, *, retry_after: int = 10) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RequestTimeout(Error):
    """The client sent its request too slowly, or stopped."""

    code = "request_timeout"
    status = 408
    exit_code = 7
    hint = (
        "Send the request again over a faster connection. The operator sets the limits (header_timeout, body_timeout)."
    )


class HeadTooLarge(Error):
    code = "head_too_large"
    status = 431
    exit_code = 2
    hint = "Send shorter headers."


class UnknownHost(Error):
    """A Host header that the operator has not allowed. It is not repeated: it may be anything."""

    code = "unknown_host"
    status = 421
    exit_code = 2
    hint = "Use an address of this server. The operator allows host names with the setting allowed_hosts."


class Disconnected(Error):
    """The client left while its request was read or worked on. 499 is what nginx logs for it; nobody reads it."""

    code = "client_disconnected"
    status = 499
    exit_code = 7
    hint = "The client closed the connection; nothing is wrong with the server."


class Unavailable(Error):
    code = "unavailable"
    status = 503
    exit_code = 7
    hint = "Install or repair the part named in the message, then try again."


class Misconfigured(Error):
    code = "misconfigured"
    status = 500
    exit_code = 2
    hint = "See docs/settings.md."


class FaceModelChanged(Misconfigured):
    """Face templates are of another model than the one in use: they cannot be compared, so no image may pass."""

    code = "face_model_changed"
    status = 503
    hint = (
        "Enrol these people again (`countermark consent outdated`, `countermark consent re-enrol`), or set "
        "COUNTERMARK_FACE_MODEL to the model that they were enrolled with."
    )


class LedgerCorrupt(Error):
    code = "ledger_corrupt"
    status = 500
    exit_code = 3
    hint = "Stop generating, keep the database as evidence, and compare it with a backup."


class ProofInvalid(Error):
    """A signature or hash does not match: what the proof says is not what the log signed."""

    code = "proof_invalid"
    status = 422
    exit_code = 3
    hint = "Keep the proof and the checkpoint as evidence, and ask the operator for both again."


class UntrustedLog(Error):
    """No signature of the given key: the checkpoint may be of another log."""

    code = "untrusted_log"
    status = 422
    exit_code = 4
    hint = "Check the key: `countermark audit key` prints that of an installation."


class LedgerMismatch(Error):
    """The ledger is not the one that belongs to the keys beside it: it is new, empty, older, or of another home."""

    code = "ledger_mismatch"
    status = 500
    exit_code = 3
    hint = (
        "Put the ledger back, or run `countermark restore BACKUP`. If this ledger is right, run `countermark ledger "
        "adopt`; to start over with an empty one, `countermark ledger adopt --new-ledger`. Both record the fact."
    )


class BackupUnusable(Error):
    code = "backup_unusable"
    status = 500
    exit_code = 3
    hint = "Nothing was changed. Use another backup, or the right passphrase."


def tree(root: type[Error] = Error) -> Iterator[type[Error]]:
    """Every class of the tree below and including `root`, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def first_fault(faults: Sequence[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> str:
    """The first of pydantic's errors as one line, without the offending value, which may be personal.

    `names`: what its fields are called outside.
    """
    fault, path = faults[0], _path(faults[0])
    if fault["type"] == "extra_forbidden":  # the name itself may be personal
        return "unknown field"
    return f"{(names or {}).get(path, path) or 'the body'}: {fault['msg']}"


def bad_field(faults: Sequence[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> BadRequest:
    """A BadRequest for the first of pydantic's errors. `names`: what its fields are called in the request.

    An unknown field is named to whoever sent it, if its name looks like one; a longer text may be personal.
    """
    path, unknown = _path(faults[0]), faults[0]["type"] == "extra_forbidden"
    field = path if unknown or _FIELD.fullmatch(path) else path.partition(".")[0]
    param = (names or {}).get(field, field) if _FIELD.fullmatch(field) else None
    if not unknown:
        return BadRequest(first_fault(faults, names), param=param)
    hint = "Leave it out. The API schema at /docs lists the fields that are known."
    return BadRequest(f"unknown field: {param}" if param else "unknown field", hint=hint, param=param)


def _path(fault: Mapping[str, Any]) -> str:
    """Where a fault is, such as `input.0.text`; empty for the body itself."""
    return ".".join(str(part) for part in fault["loc"] if part != "body")
