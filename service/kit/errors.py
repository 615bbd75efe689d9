"""Everything that can go wrong, as one tree.

    Error
    +-- InputError            what was sent cannot be used
    |   +-- BadRequest, UnsupportedFormat, BrokenPicture, TooLarge, UnsupportedPixels, FileUnreadable,
    |       BrokenList, NoFace, NotLive
    +-- Refusal               the gateway will not release this image
    |   +-- PromptRefused     ... because of what its prompt asks for
    |   +-- LikenessRefused, LikenessHeld     ... because of whose face it shows, or may show
    |   +-- AdapterRefused    ... because of an adapter it was to be drawn with
    |   +-- Unsafe            ... because of what it shows
    |   +-- Blocked           ... because the picture is on a hash list
    |   +-- Unmarkable        ... because it drowns the watermark
    |   +-- StageFailed       ... because a stage could not do its work
    |   +-- Gone              ... any more: it was kept for a time or for once
    |   +-- ClientRemoved     ... because who asked lost the key meanwhile
    |   +-- Cancelled         ... because the caller asked to stop
    +-- TooMany               it was asked too often
    +-- NotFound              there is no such thing here
    +-- Unauthorized          no key, or one that is not valid
    +-- SwitchedOff           the operator did not switch this on
    +-- Busy                  more was asked for than can be drawn now
    +-- Unavailable           a part that is needed is missing or not ready
    +-- Misconfigured         a setting is wrong
    +-- LedgerCorrupt         the record does not agree with itself

Each class has a stable `code`, the HTTP status and the process exit code it maps to, and a `hint`: what
to do next. Messages never carry personal data.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self


class Error(Exception):
    """Base of the tree. `message` says what happened and why, `hint` what to do next."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    hint: str = "This is our bug: please report it with the request id."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class InputError(Error):
    code = "bad_input"
    status = 400
    exit_code = 5
    hint = "Send a PNG, JPEG, WebP, AVIF or TIFF picture."


class BadRequest(InputError):
    code = "bad_request"
    exit_code = 2
    hint = "Correct the named field; the schema is at /docs."


class UnsupportedFormat(InputError):
    code = "unsupported_format"
    status = 415


class BrokenPicture(InputError):
    code = "broken_picture"
    status = 422
    hint = "The file is damaged or incomplete: send it again from the original."


class TooLarge(InputError):
    code = "too_large"
    status = 413
    hint = "Send a smaller file, or raise the limit in the settings."


class UnsupportedPixels(InputError):
    code = "unsupported_pixels"
    status = 422
    hint = "Convert the picture to 8-bit or 16-bit RGB or grey first."


class FileUnreadable(InputError):
    code = "file_unreadable"
    status = 404
    hint = "Check the path and its permissions."


class BrokenList(InputError):
    """A hash list that cannot be used. The message names the lines, never a hash."""

    code = "broken_list"
    status = 422
    hint = "Correct the named lines. Nothing was imported."


class NoFace(InputError):
    code = "no_face"
    status = 422
    hint = "Send a picture of an upright face seen from the front, 80 px or more."


class NotLive(InputError):
    """Photos that do not answer a challenge. The message says which and why, and holds nothing of the face."""

    code = "not_live"
    status = 422
    hint = "Nothing was stored. Ask for a new challenge and take new photos, in the order it names."


class Refusal(Error):
    """No image is released. `stage` is the gateway's stage that said no, `content_id` what an appeal can name.

    `subject`: the number of whose face it is, for the record and not for the caller, who may be anybody.
    """

    code = "refused"
    status = 503
    exit_code = 6
    hint = "Nothing was released. Try again; if it stays, the operator finds the reason in the audit log."

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
    hint = "The picture did not pass the safety check. Change the prompt or the seed."


class Blocked(Refusal):
    """On a hash list or under a notice of removal. 451 and not 403: a demand by others, not a lack of rights."""

    code = "blocked"
    status = 451
    hint = "Listed pictures are neither made nor taken in. If this is not such a picture, appeal."


class Unmarkable(Refusal):
    """The mark would not be read back: the picture itself is the reason, so the same order fails the same way."""

    code = "unmarkable"
    status = 422
    hint = "Nothing was released. Order it with another seed or prompt, or in a larger size."


class PromptRefused(Refusal):
    """`categories` and `rules` say why; neither they nor the message hold any of the prompt."""

    code = "prompt_refused"
    status = 400
    hint = "Nothing was drawn. Change the prompt; the operator's rules decide what is refused."

    def __init__(self, categories: Sequence[str], rules: Sequence[str] = ()) -> None:
        named = ", ".join(category.replace("_", " ") for category in categories)
        super().__init__(f"the prompt was refused ({named})", stage="admit")
        self.categories = tuple(categories)
        self.rules = tuple(rules)


class LikenessRefused(Refusal):
    """Somebody's face without their word."""

    code = "likeness_refused"
    status = 403
    hint = "Only a grant of that person (`grants` in the order) permits this. If it is somebody else, appeal."


class LikenessHeld(Refusal):
    """Perhaps somebody's face: a person has to decide."""

    code = "likeness_held"
    status = 403
    hint = "It may be a protected person. Appeal, and the operator looks; or order another picture."

    def __init__(self, message: str, *, stage: str, subjects: Sequence[str] = ()) -> None:
        """`subjects`: everybody enrolled it may show, for the record and not for the caller."""
        super().__init__(message, stage=stage, subject=next(iter(subjects), None))
        self.subjects = tuple(subjects)


class AdapterRefused(Refusal):
    """An adapter that is not on the operator's list. The message does not repeat its name: it may be anybody's."""

    code = "adapter_refused"
    status = 403
    hint = "Only adapters on the operator's list are used. Leave it out, or ask the operator to add it."


class StageFailed(Refusal):
    code = "stage_failed"


class Gone(Refusal):
    """A held picture that is there no more."""

    code = "gone"
    status = 410
    hint = "Order another picture."


class ClientRemoved(Refusal):
    """The tenant was removed, or got another key, while the picture was made."""

    code = "client_removed"
    status = 403
    hint = "Ask the operator for a key, then order again."


class Cancelled(Refusal):
    code = "cancelled"
    status = 499
    hint = "The request was cancelled; nothing was released."


class TooMany(Error):
    """An address asked too often. `retry_after`: in how many seconds it may ask again."""

    code = "too_many_requests"
    status = 429
    exit_code = 7
    hint = "Wait as long as Retry-After says. The operator sets the limit (requests_per_minute)."

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests from this address; the next one is free in {retry_after} s")
        self.retry_after = retry_after


class NotFound(Error):
    code = "not_found"
    status = 404
    exit_code = 1
    hint = "Check the address or the id."


class Unauthorized(Error):
    """No key, or one that is not valid. The message never holds any part of it."""

    code = "unauthorized"
    status = 401
    exit_code = 2
    hint = "Send your key as `Authorization: Bearer cm_...`; the operator gives keys out (`countermark tenants add`)."


class SwitchedOff(Error):
    """Something this installation could do and does not. The hint names the setting."""

    code = "switched_off"
    status = 403
    exit_code = 2
    hint = "The operator can switch it on; see docs/settings.md."


class Busy(Error):
    """Nothing was decided about the order, so nothing stands in the ledger. `retry_after`: in how many seconds."""

    code = "busy"
    status = 429
    exit_code = 7
    hint = "Nothing was drawn. Ask again after the seconds in Retry-After."

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Error):
    code = "unavailable"
    status = 503
    exit_code = 7
    hint = "Install or repair the part that is named, then try again."


class Misconfigured(Error):
    code = "misconfigured"
    status = 500
    exit_code = 2
    hint = "See docs/settings.md."


class LedgerCorrupt(Error):
    code = "ledger_corrupt"
    status = 500
    exit_code = 3
    hint = "Stop issuing, keep the database file as evidence, and compare it with a backup."


def tree(root: type[Error] = Error) -> Iterator[type[Error]]:
    """Every class of the tree, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def first_fault(faults: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's complaints, without the value that caused it: that may be personal."""
    fault = faults[0]
    if fault["type"] == "extra_forbidden":  # the name itself may be personal
        return "a field that is not known here"
    field = ".".join(str(part) for part in fault["loc"] if part != "body") or "the body"
    return f"{field}: {fault['msg']}"
