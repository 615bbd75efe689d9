"""Publishing: checkpoints go to every sink, and where sinks are required, nothing is released that they did not take.

A decision is published after it is committed, never before: a witness must not have seen what a failed commit takes
back. Callers that wait share one round: whoever comes while a checkpoint is on its way waits for the next, which covers
all of them.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import structlog

from service.kit.deadline import Running
from service.kit.errors import CheckpointNotTaken, Error, Unavailable
from service.ledger.checkpoints import Checkpoint
from service.ledger.proofs import InclusionProof
from service.ledger.sinks.sink import Ahead, CheckpointSink, Contradiction, NotTaken
from service.ledger.transparency import ProvedDecision, TransparencyLog
from service.storage import Decision

log = structlog.get_logger()

Status = Literal["off", "ok", "failing"]

_ATTEMPTS = 3
_RETRY_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _State:
    """A sink, and how the last round with it went."""

    sink: CheckpointSink
    required: bool
    size: int = -1
    fault: str | None = None
    contradicted: bool = False
    failed_at: float = 0.0

    @property
    def closes(self) -> bool:
        """Nothing may be released."""
        return self.fault is not None and (self.required or self.contradicted)


class CheckpointPublisher:
    """Thread-safe. `start` also publishes in the background, for sinks that are not required."""

    def __init__(
        self,
        transparency: TransparencyLog,
        required: Sequence[CheckpointSink],
        optional: Sequence[CheckpointSink],
        *,
        timeout: float,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`timeout`: seconds a round may take. `seconds`: between two rounds in the background."""
        self._log = transparency
        self._required = [_State(sink, True) for sink in required]
        self._optional = [_State(sink, False) for sink in optional]
        self._timeout = timeout
        self._seconds = seconds
        self._clock = clock
        self._rounds = {True: threading.Lock(), False: threading.Lock()}
        self._covered: Checkpoint | None = None
        self._cosigned: Checkpoint | None = None
        self._checked = not (required or optional)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        """Before an order costs anything. The first call of a process asks every sink, and so finds a ledger that was
        rolled back.

        Raises:
            CheckpointNotTaken: a required sink does not answer, or a sink has a checkpoint that the ledger contradicts.
        """
        if not self._checked:
            self._publish(self._optional)
            self._publish(self._required)
            self._checked = True
        closed = self._closed()
        if closed and all(self._clock() - state.failed_at >= _RETRY_SECONDS for state in closed):
            for group in (self._optional, self._required):
                self._publish([state for state in group if state in closed])
            closed = self._closed()
        if closed:
            raise CheckpointNotTaken(_told(closed[0]), stage="admit")

    def cover(self, decision: Decision) -> Checkpoint:
        """A checkpoint that has the decision, and that every required sink took.

        Raises:
            CheckpointNotTaken: a required sink did not. The decision stays in the ledger.
        """
        if not self._required:
            if self._optional and self._thread is None:
                self._publish(self._optional, decision.seq)
            return self._log.checkpoint()
        self._publish(self._required, decision.seq)
        if failed := [state for state in self._required if state.size < decision.seq]:
            raise CheckpointNotTaken(_told(failed[0]), stage="issue")
        return self._covered or self._log.checkpoint()

    def prove_released(self, decision: Decision) -> InclusionProof:
        """That the decision is in a checkpoint that every required sink took, with the decision itself.

        Raises:
            CheckpointNotTaken: as `cover`.
            Unavailable: the ledger cannot be read.
        """
        return self._log.prove(decision, self.cover(decision), disclose=True).proof

    def prove(self, decision: Decision, *, disclose: bool) -> ProvedDecision:
        """That the decision is in the log, against the latest checkpoint that has it. `disclose`: with the decision.

        Raises Unavailable.
        """
        latest = self._cosigned if self._cosigned and self._cosigned.size >= decision.seq else None
        return self._log.prove(decision, latest, disclose=disclose)

    def latest(self) -> Checkpoint:
        """The newest checkpoint with cosignatures, or one of now where no witness gives any."""
        return self._cosigned or self._log.checkpoint()

    def status(self) -> Status:
        """Raises Unavailable, with the reason, where nothing may be released."""
        if closed := self._closed():
            raise Unavailable(_told(closed[0]), hint="See docs/audit-log.md.")
        states = [*self._required, *self._optional]
        return "off" if not states else "failing" if any(state.fault for state in states) else "ok"

    def start(self) -> None:
        """Publish in the background until `close`."""
        if (self._required or self._optional) and self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="countermark-checkpoints")
            self._thread.start()

    def close(self) -> None:
        """Stop publishing in the background, after a last round, and close the sinks."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2 * self._timeout)
        for state in (*self._required, *self._optional):
            state.sink.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for group in (self._optional, self._required):
                self._publish(group)
            self._checked = True
            failing = any(state.fault for state in (*self._optional, *self._required))
            self._stop.wait(min(self._seconds, self._timeout) if failing else self._seconds)
        self._publish(self._optional)

    def _closed(self) -> list[_State]:
        return [state for state in (*self._required, *self._optional) if state.closes]

    def _publish(self, states: Sequence[_State], needed: int | None = None) -> None:
        """One round: give a checkpoint to each sink, all at once.

        Nothing is done once every sink has a checkpoint of `needed` decisions, or if all of them failed while this
        caller waited for the round before: callers would otherwise wait one after the other for what does not answer.
        """
        if not states:
            return
        asked = self._clock()
        with self._rounds[states[0].required]:
            if needed is not None and all(state.size >= needed for state in states):
                return
            if all(state.fault is not None and state.failed_at > asked for state in states):
                return
            try:
                checkpoint = self._log.checkpoint()
            except Error as unreadable:
                for state in states:
                    self._failed(state, NotTaken(unreadable.message))
                return
            end = self._clock() + self._timeout
            running = [(state, Running(partial(self._give, state.sink, checkpoint))) for state in states]
            taken = [each for state, work in running if (each := self._result(state, work, end - self._clock()))]
            self._remember(taken, states[0].required)

    def _give(self, sink: CheckpointSink, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint that the sink took, with its cosignatures: a newer one if it has seen more already."""
        for _ in range(_ATTEMPTS):
            try:
                return checkpoint.cosigned(sink.take(checkpoint, self._log))
            except Ahead as ahead:
                checkpoint = self._log.checkpoint()
                if checkpoint.size < ahead.size:
                    raise Contradiction(
                        f"it has a checkpoint of {ahead.size} decisions, and the ledger has {checkpoint.size}: "
                        "decisions were cut off",
                        proved=ahead.proved,
                    ) from ahead
        raise NotTaken("other checkpoints came first again and again")

    def _result(self, state: _State, work: Running[Checkpoint], seconds: float) -> Checkpoint | None:
        try:
            taken = work.result(max(0.0, seconds))
        except TimeoutError:
            self._failed(state, NotTaken(f"no answer within {self._timeout:g} s"))
        except Exception as fault:  # noqa: BLE001 - whatever a sink raises, it did not take the checkpoint
            self._failed(state, fault if isinstance(fault, NotTaken) else NotTaken(type(fault).__name__))
        else:
            if state.fault is not None:
                log.info("checkpoint_sink_recovered", sink=state.sink.name)
            state.size, state.fault, state.contradicted = taken.size, None, False
            return taken
        return None

    def _failed(self, state: _State, fault: NotTaken) -> None:
        contradicted = isinstance(fault, Contradiction)
        state.failed_at, state.fault = self._clock(), str(fault)
        state.contradicted = isinstance(fault, Contradiction) and fault.proved
        event = "ledger_contradicts_checkpoint" if contradicted else "checkpoint_not_taken"
        log.error(event, sink=state.sink.name, required=state.required, reason=str(fault))

    def _remember(self, taken: Sequence[Checkpoint], required: bool) -> None:
        """Keep the newest checkpoint of a round, with the cosignatures of all sinks that took this very one."""
        if not taken:
            return
        newest = max(taken, key=lambda each: each.size)
        for each in taken:
            if each.size == newest.size:
                newest = newest.cosigned(each.note.signatures)
        if required:
            self._covered = newest
        if len(newest.note.signatures) > 1 and (self._cosigned is None or newest.size >= self._cosigned.size):
            self._cosigned = newest


def _told(state: _State) -> str:
    return f"the checkpoint sink {state.sink.name} did not take the log: {state.fault}"
