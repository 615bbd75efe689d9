"""What was deleted or withdrawn, so that restoring a backup from before does not bring it back.

The list holds ids alone, no personal data. It is read from the chain of decisions, kept beside the backup, and applied
again after a restoration, each entry as a decision of its own.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from service.installation import Installation
from service.kit.clock import stamp
from service.kit.errors import BadRequest, Error, FileUnreadable, NotFound
from service.ledger.ledger import Ledger
from service.storage import Decision

Action = Literal[
    "erase",
    "revoke",
    "withdraw",
    "forget",
    "remove_tenant",
    "replace_tenant_key",
    "replace_key",
    "revoke_key",
    "remove_adapter",
]

_ACTIONS: Mapping[tuple[str, str], Action] = {
    ("consent", "erased"): "erase",
    ("consent", "revoked"): "revoke",
    ("consent", "withdrawn"): "withdraw",
    ("takedown", "forgotten"): "forget",
    ("tenant", "removed"): "remove_tenant",
    ("tenant", "rotated"): "replace_tenant_key",
    ("tenant", "key_rotated"): "replace_key",
    ("tenant", "key_revoked"): "revoke_key",
    ("adapter", "removed"): "remove_adapter",
}
_DETAILS: Mapping[Action, str] = {
    "revoke": "grant",
    "withdraw": "content_id",
    "replace_key": "replaced",
    "revoke_key": "key",
}
_OPEN: Mapping[Action, str] = {
    "replace_tenant_key": "its old key is valid again: run `countermark tenants rotate`",
    "replace_key": "the key that was replaced is valid again: run `countermark tenants keys rotate`",
}
"""What the operator has to do: nobody has the new key that the backup does not know."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One decision that took something away. `hash` is the decision's; `detail` a grant, a content id or a key's id."""

    seq: int
    at: str
    action: Action
    subject: str
    hash: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a deletion after a restoration. `open`: the operator has to do it; `reason` says why."""

    deletion: Deletion
    outcome: Literal["applied", "not needed", "open"]
    reason: str | None = None


def deletions_of(ledger: Ledger) -> list[Deletion]:
    """Every deletion in the chain, in order. Raises Unavailable as `Ledger.read`, LedgerCorrupt."""
    with ledger.read() as stored:
        return [found for decision in stored.decisions.of_kinds(_KINDS) if (found := _deletion(decision))]


def read_list(path: Path) -> list[Deletion]:
    """A list that `countermark ledger deletions` printed. Raises FileUnreadable, BadRequest."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as gone:
        raise FileUnreadable(f"{path} cannot be read") from gone
    try:
        return [_parsed(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, TypeError) as wrong:
        raise BadRequest(
            f"{path} is not a list of deletions", hint="It is what `countermark ledger deletions` prints."
        ) from wrong


def as_lines(deletions: Iterable[Deletion]) -> Iterator[str]:
    """The list as JSON, one object a line."""
    return (json.dumps(asdict(deletion)) for deletion in deletions)


def missing_from(ledger: Ledger, deletions: Iterable[Deletion]) -> list[Deletion]:
    """Those that are not in the chain, each once, in order. Raises Unavailable as `Ledger.read`."""
    once = {deletion.hash: deletion for deletion in deletions}
    with ledger.read() as stored:
        return [
            each
            for each in sorted(once.values(), key=lambda deletion: deletion.seq)
            if stored.decisions.hash_of(each.seq) != each.hash
        ]


def apply(installation: Installation, deletions: Iterable[Deletion]) -> list[Applied]:
    """Take away again what the deletions took away. One that fails does not keep the others from being applied."""
    return [_applied(installation, deletion) for deletion in deletions]


def _applied(installation: Installation, deletion: Deletion) -> Applied:
    consent = installation.consent
    actions: Mapping[Action, Callable[[], object]] = {
        "erase": lambda: consent.subjects.erase(deletion.subject),
        "revoke": lambda: consent.grants.revoke(str(deletion.detail)),
        "withdraw": lambda: consent.grants.withdraw(deletion.subject, str(deletion.detail)),
        "forget": lambda: installation.takedowns.forget(deletion.subject),
        "remove_tenant": lambda: installation.tenants.remove(deletion.subject),
        "revoke_key": lambda: installation.api_keys.revoke(str(deletion.detail)),
        "remove_adapter": lambda: installation.adapters.remove(deletion.subject),
    }
    if deletion.action not in actions:
        return Applied(deletion, "open", _OPEN[deletion.action])
    try:
        actions[deletion.action]()
    except NotFound:
        return Applied(deletion, "not needed", "the backup does not hold it")
    except Error as fault:
        return Applied(deletion, "open", fault.message)
    return Applied(deletion, "applied")


def _deletion(decision: Decision) -> Deletion | None:
    content = decision.content
    action = _ACTIONS.get((decision.kind, str(content.get("action"))))
    if action is None:
        return None
    detail = content.get(_DETAILS[action]) if action in _DETAILS else None
    return Deletion(decision.seq, stamp(decision.at), action, decision.subject, decision.hash, detail)


def _parsed(fields: dict[str, Any]) -> Deletion:
    deletion = Deletion(**fields)
    if deletion.action not in _ACTIONS.values() or not isinstance(deletion.seq, int):
        raise ValueError("an unknown deletion")
    return deletion


_KINDS = tuple({kind for kind, _ in _ACTIONS})
