"""A new key for the vault, in two steps with the service running, each of which can be repeated if it was interrupted.

`rotate` writes the new key beside the old one, then wraps the key of every record anew in one transaction. Running
services find the new key by themselves (`VaultKeys.current`). One that sealed a record under the old key just before
may store it afterwards: so the old key stays for reading, until `retire` has wrapped such stragglers too and drops it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from service.installation import Installation
from service.keys.vault import Vault, key_id
from service.keys.vault_keys import VaultKeys
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from service.ledger.ledger import Transaction
from service.storage import PLACES, Decision, Place, WrappedKey

log = structlog.get_logger()

GRACE = dt.timedelta(minutes=10)
"""Far longer than anything between sealing a record and storing it: a database lock is waited for 30 seconds."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a step did. `key` and `old_key` name vault keys (`key_id`), `rewrapped` counts records, `unreadable` those
    that neither key opens: they were damaged before, and stay as they are."""

    key: str
    old_key: str
    rewrapped: int
    unreadable: int


def rotate(installation: Installation) -> Rotation:
    """Make a new vault key and wrap every record's key with it; or finish a rotation that was interrupted.

    The old key goes on to be readable. The decision `key` in the ledger says what was done.

    Raises:
        Misconfigured: the key file or the cards of adapters cannot be read or written, or the system has no file locks.
        Unavailable: the ledger cannot be written. Everything stays readable, and the same command goes on.
    """
    keys = VaultKeys(installation.settings.home)
    with keys.changing():
        if len(keys.current()) == 1:
            _change(keys.add)
        return _rewrap(installation, keys, "rotated")


def retire(installation: Installation, *, stopped: bool = False) -> Rotation:
    """Wrap what is still sealed under the old key, and delete that key. `stopped`: no service runs, so do not wait.

    Raises:
        BadRequest: there is no old key, its rotation was not finished, or was finished less than `GRACE` ago.
        Misconfigured, Unavailable: as `rotate`; the old key is still there.
    """
    keys = VaultKeys(installation.settings.home)
    with keys.changing():
        _check_old(installation, keys, stopped=stopped)
        done = _rewrap(installation, keys, "retired")
        _change(keys.drop_old)
    return done


def _check_old(installation: Installation, keys: VaultKeys, *, stopped: bool) -> None:
    if len(keys.current()) == 1:
        raise BadRequest("there is no old vault key", hint="`countermark keys rotate-vault` makes a new one.")
    decisions = installation.ledger.decided(key_id(keys.current()[0]))
    rotated = next((each for each in decisions if _says(each, "rotated")), None)
    if rotated is None:
        raise BadRequest("the rotation was interrupted", hint="Run `countermark keys rotate-vault` again.")
    if not stopped and utc_now() < rotated.at + GRACE:
        raise BadRequest(
            "a running service may still store records under the old vault key",
            hint=f"Run this again after {stamp(rotated.at + GRACE)}, or stop every service and add --stopped.",
        )


def _says(decision: Decision, action: str) -> bool:
    return decision.kind == "key" and decision.content.get("action") == action


def _rewrap(installation: Installation, keys: VaultKeys, action: str) -> Rotation:
    both = keys.current()  # read once: a fault of the file must not pass for a damaged record
    new, old = (key_id(key) for key in both)
    renewal = _Renewal(Vault(lambda: both))
    with installation.ledger.decision("key", new) as transaction:
        renewal.tables(transaction)
        installation.adapters.rewrap(transaction, renewal.renew)
        done = Rotation(new, old, renewal.rewrapped, renewal.unreadable)
        transaction.record(about="vault", action=action, old=old, rewrapped=done.rewrapped, unreadable=done.unreadable)
    try:
        installation.ledger.scrub()  # of the old wrappings: with the old key, they would open what is erased later
    except Unavailable as left:
        log.warning("vault_traces_left", error=type(left).__name__)
    return done


class _Renewal:
    """Wraps keys anew, and counts."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.rewrapped = 0
        self.unreadable = 0

    def tables(self, transaction: Transaction) -> None:
        for place in PLACES:
            old = transaction.wrapped_keys.of(place)
            new = [WrappedKey(each.row, key) for each in old if (key := self.renew(each.key, _label(place, each.row)))]
            transaction.wrapped_keys.replace(place, new)

    def renew(self, wrapped_key: bytes, label: str) -> bytes | None:
        """None where the key stays as it is."""
        try:
            renewed = self._vault.rewrap(wrapped_key, label)
        except Misconfigured:
            self.unreadable += 1
            log.error("sealed_record_unreadable", label=label)
            return None
        self.rewrapped += renewed is not None
        return renewed


def _label(place: Place, row: str) -> str:
    """What the record is bound to; see where each is sealed."""
    return f"reason {row}" if place == "held_reasons" else row


def _change(change: Callable[[], None]) -> None:
    try:
        change()
    except OSError as denied:
        raise Misconfigured(f"the vault's key file cannot be written: {denied.strerror}") from denied
