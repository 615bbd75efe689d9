"""Recording what the classifiers say of examined files: scores and keyed digests, never files, times or addresses.

A recorder in the background writes them, so an answer neither waits for the database nor fails with it.
"""

import contextlib
import datetime as dt
import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from detectors import Prepared
from service.examiner.inference import Inferred
from service.examiner.shadow import CandidateScore, Shadow
from service.kit.clock import utc_now
from service.kit.errors import Error
from service.ledger.ledger import Ledger
from service.storage import ExaminationRow

log = structlog.get_logger()

_MOST_WAITING = 10_000
_BATCH = 500
_SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Trial:
    """What the model on trial said of an examination."""

    examination: str
    score: CandidateScore


_Item = ExaminationRow | _Trial | threading.Event | None
"""A row, a candidate's score, somebody who waits until all before has been written, or the end."""


class ScoreLog:
    """The scores of one installation. Records nothing until `start`, and nothing at all if `days` is 0. Thread-safe."""

    def __init__(
        self,
        ledger: Ledger,
        digest: Callable[[str], str],
        days: int,
        shadow: Shadow | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`digest`: keyed, so that the database alone does not tell which files were examined. `days`: how long rows
        are kept."""
        self._ledger = ledger
        self._digest = digest
        self._days = days
        self._shadow = shadow
        self._clock = clock
        self._on = False
        self._queue: queue.Queue[_Item] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._purged: dt.datetime | None = None

    def start(self) -> None:
        """Record from now on. Commands do not call it: what an operator examines is not recorded."""
        self._on = self._days > 0

    @property
    def on(self) -> bool:
        """Whether scores are recorded now."""
        return self._on

    def note(self, inferred: Inferred, sha256: str, prepared: Prepared) -> Inferred:
        """The same answer, with the id of its record if it is recorded. Never raises, and waits for nothing.

        `sha256`: of the file, in hex. `prepared`: what the model on trial sees, if there is one.
        """
        if not self._on or inferred.p_synthetic is None or inferred.verdict is None:
            return inferred
        row = ExaminationRow(
            id=secrets.token_hex(16),
            day=_day(self._clock()),
            file=self._digest(sha256),
            calibration=inferred.calibration or "",
            kind=inferred.kind,
            p_synthetic=inferred.p_synthetic,
            verdict=inferred.verdict,
            in_scope=not inferred.warnings,
        )
        if not self._put(row):
            return inferred
        if self._shadow:
            self._shadow.offer(prepared, lambda score: self._put(_Trial(row.id, score)))
        return inferred.model_copy(update={"examination": row.id})

    def settle(self) -> None:
        """Wait until everything that was noted before has been written, for a few seconds at most."""
        written = threading.Event()
        if self._thread and self._put(written):
            written.wait(_SETTLE_SECONDS)

    def close(self) -> None:
        """Write what waits, and record nothing more."""
        self._on = False
        if self._shadow:
            self._shadow.close()
        with self._starting:
            thread, self._thread = self._thread, None
        if thread:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=_SETTLE_SECONDS)
            thread.join(_SETTLE_SECONDS)

    def _put(self, item: _Item) -> bool:
        """Whether there was room for it."""
        with self._starting:
            if self._thread is None and self._on:
                self._thread = threading.Thread(target=self._run, name="countermark-scores", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            log.warning("scores_not_recorded", why="too many wait to be written")
            return False
        return True

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while len(items) < _BATCH and items[-1] is not None:
                    items.append(self._queue.get_nowait())
            self._write(items)
            if items[-1] is None:
                return

    def _write(self, items: Sequence[_Item]) -> None:
        rows = [item for item in items if isinstance(item, ExaminationRow)]
        trials = [item for item in items if isinstance(item, _Trial)]
        try:
            if rows or trials:
                self._store(rows, trials)
        except Error as fault:  # the answers are out, and were right
            log.warning("scores_not_recorded", why=fault.code, count=len(rows))
        for item in items:
            if isinstance(item, threading.Event):
                item.set()

    def _store(self, rows: Sequence[ExaminationRow], trials: Sequence[_Trial]) -> None:
        today = _day(self._clock())
        with self._ledger.write() as stored:
            if self._purged != today:
                stored.examinations.forget_before(today - dt.timedelta(days=self._days))
            stored.examinations.add(rows)
            for trial in trials:
                score = trial.score
                stored.examinations.set_candidate(trial.examination, score.identity, score.value, score.verdict)
        self._purged = today


def _day(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
