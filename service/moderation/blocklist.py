"""Images that are blocked by their hashes: neither generated here nor accepted.

SHA-256 finds the same file. PDQ finds images that look the same: at a distance of at most 31 of 256 bits, for hashes of
quality 50 or more, which are ThreatExchange's standards
(https://github.com/facebook/ThreatExchange/blob/main/python-threatexchange/threatexchange/signal_type/pdq/signal.py).
The search is exact. Whoever is refused learns the name of the list, never a hash.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors import variants
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, Blocked, NotFound
from service.ledger.ledger import Ledger
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import NEVER, Neighbour, Snapshot, hash_index
from service.moderation.hash_lists import (
    LEAST_QUALITY,
    LONGEST_REASON,
    HashKind,
    Listed,
    ListFormat,
    known_hash,
    read_list,
    write_list,
)
from service.storage import BlocklistEntry, ListSummary, Repositories

SAME_PICTURE_BITS = 31
TAKEDOWNS = "takedowns"
"""The list of images under a takedown notice; only decisions about notices change it."""

WITHDRAWN = "withdrawn-likeness"
"""The list of images that were withdrawn by people who had allowed their likeness."""

_LIST_NAME = re.compile(r"[A-Za-z0-9][\w .-]{0,63}")
_LONGEST_SOURCE = 200


@dataclass(frozen=True, slots=True)
class BlocklistMatch:
    """A blocked image: the list it is on, the kind of hash that matched, and the number of bits that differ.

    `until`: when a quarantine ends; None: it is blocked until somebody decides otherwise.
    """

    list: str
    kind: HashKind
    distance: int
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: new entries, entries that were listed already, and the rows that were skipped, by cause."""

    added: int
    known: int
    left_out: Mapping[str, int]


class Blocklist:
    """The blocklists of one installation. Safe to share between threads and processes: every check first asks the
    database for the current revision, so a new entry takes effect everywhere at once."""

    def __init__(self, ledger: Ledger, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock
        self._index = hash_index()

    def check_upload(self, data: bytes, rgb: NDArray[np.uint8]) -> None:
        """Check an uploaded file: its bytes, and its pixels (uint8, H x W x 3) as they are shown.

        Raises:
            Blocked: it is listed.
            Unavailable: the lists cannot be read; nothing may be accepted then.
        """
        _refuse(self.match(rgb, hashlib.sha256(data).hexdigest()), "admit")

    def check_input(self, rgb: NDArray[np.uint8]) -> None:
        """Check an image to generate from (uint8, H x W x 3). Raises as `check_upload`."""
        _refuse(self.match(rgb), "admit")

    def check_pixels(self, rgb: NDArray[np.uint8]) -> None:
        """Check a generated image (uint8, H x W x 3). Raises as `check_upload`."""
        _refuse(self.match(rgb), "screen")

    def match(self, rgb: NDArray[np.uint8], sha256: str | None = None) -> BlocklistMatch | None:
        """The first listed image that this is: by the `sha256` of its file, or else by its pixels."""
        with self._ledger.read() as stored:
            snapshot = self._current(stored)
            exact = stored.blocklist.block_of("sha256", sha256, self._clock()) if sha256 else None
        if exact is not None:
            return BlocklistMatch(exact.list, "sha256", 0, exact.until)
        if not len(snapshot):
            return None
        for look in variants(rgb):
            near = snapshot.within(look.bits, SAME_PICTURE_BITS) if look.quality >= LEAST_QUALITY else []
            if near and (match := self._lasting(near)):
                return match
        return None

    def _lasting(self, near: Sequence[Neighbour]) -> BlocklistMatch | None:
        """The nearest entry whose block has not ended."""
        now = self._clock()
        with self._ledger.read() as stored:
            for one in near:
                block = stored.blocklist.block(one.id)
                if block.until is None or block.until > now:
                    return BlocklistMatch(block.list, "pdq", int(one.distance), block.until)
        return None

    def load(self) -> int:
        """Read the lists now, so that the first check need not wait; the number of active PDQ hashes."""
        with self._ledger.read() as stored:
            return len(self._current(stored))

    def import_list(
        self, data: bytes, name: str, source: str, to: ListFormat | None = None, kind: HashKind | None = None
    ) -> Imported:
        """Add a whole hash list (see `service.moderation.hash_lists`) to the list `name`: all of it, or nothing.

        Raises:
            BrokenList: rows that cannot be read, named by line.
            BadRequest: the name or source cannot be used.
        """
        read = read_list(data, to, kind)
        added = self.add(read.entries, name, source)
        return Imported(added, len(read.entries) - added, read.left_out)

    def add(self, listed: Sequence[Listed], name: str, source: str) -> int:
        """Add hashes to a list, or restore them; the number that were not active before. Recorded as a decision.

        Raises:
            BadRequest: the name or source cannot be used.
        """
        _check_names(name, source)
        short = [replace(entry, reason=entry.reason[:LONGEST_REASON]) for entry in listed]
        with self._ledger.decision("blocklist", name) as transaction:
            added = transaction.blocklist.add(short, name, source, self._clock(), active=True)
            transaction.record(action="add", entries=len(listed), digest=_digest(listed), added=added)
        return added

    def remove(self, name: str, hash_: str | None = None) -> int:
        """Withdraw a hash, or all, from a list, whatever the source; the number withdrawn. Recorded as a decision.

        Raises:
            NotFound: no such active entry.
        """
        _check_names(name, "-")
        hash_ = known_hash(hash_) if hash_ else None
        with self._ledger.decision("blocklist", name) as transaction:
            withdrawn = transaction.blocklist.withdraw(name, hash_)
            if not withdrawn:
                raise NotFound(f"the list {name} has no such active entry", hint="See `countermark blocklist list`.")
            transaction.record(action="remove", withdrawn=withdrawn)
        return withdrawn

    def export(self, name: str, to: ListFormat) -> str:
        """The active entries of a list, each hash once. Raises NotFound if there is none."""
        listed = {(e.kind, e.hash): Listed(e.kind, e.hash, e.reason) for e in self.entries(name) if e.active}
        if not listed:
            raise NotFound(f"the list {name} has no active entry", hint="See `countermark blocklist list`.")
        return write_list(listed.values(), to)

    def entries(self, name: str) -> Iterator[BlocklistEntry]:
        """Every entry of a list, withdrawn ones too, in the order in which they were added."""
        with self._ledger.read() as stored:
            yield from stored.blocklist.entries(name)

    def lists(self) -> tuple[ListSummary, ...]:
        """Every list by name and kind of hash."""
        with self._ledger.read() as stored:
            return stored.blocklist.summaries()

    def _current(self, stored: Repositories) -> Snapshot[bytes]:
        """Every active PDQ hash, by the id of its entry."""
        return self._index.at(stored.blocklist.revision(), partial(_changes_since, stored))


def _refuse(match: BlocklistMatch | None, stage: str) -> None:
    if match and match.until:
        raise Blocked(
            f"the image is in quarantine until {stamp(match.until)}: nobody has reviewed the notice about it yet",
            stage=stage,
            hint="If this is a mistake, appeal: the operator decides before the quarantine ends.",
        )
    if match:
        raise Blocked(f"the image is on the list {match.list}", stage=stage)


def _changes_since(stored: Repositories, known: Snapshot[bytes]) -> Changes:
    active = stored.blocklist.active_after("pdq", known.revision)
    withdrawn = stored.blocklist.withdrawn_after("pdq", known.revision) if known.revision != NEVER else []
    return Changes(active.ids, active.hashes, np.array(withdrawn, np.int64))


def _digest(listed: Iterable[Listed]) -> str:
    """SHA-256 over the hashes in sorted order, so that a list can be shown to be the one that was decided on."""
    return hashlib.sha256("\n".join(sorted(f"{e.kind} {e.hash}" for e in listed)).encode()).hexdigest()


def _check_names(name: str, source: str) -> None:
    if not _LIST_NAME.fullmatch(name):
        raise BadRequest(
            "invalid list name", hint="Use up to 64 letters, digits, spaces, dots, dashes and underscores."
        )
    if name == TAKEDOWNS:
        raise BadRequest(f"the list {name} is managed by takedowns", hint="Use `countermark takedowns resolve`.")
    if name == WITHDRAWN:
        raise BadRequest(
            f"the list {name} holds images that people withdrew", hint="Only the person who withdrew an image decides."
        )
    if not 0 < len(source) <= _LONGEST_SOURCE:
        raise BadRequest(f"a source has 1 to {_LONGEST_SOURCE} characters", hint="Name where the hashes came from.")
