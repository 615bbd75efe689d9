"""Jobs that generate images: each order goes through the whole gateway, and each image is issued once.

    image-N     the finished file and what is known of it, stored before it is issued
    outcome-N   its proof, or why it was refused
    job_images  the row that says that image N was issued, in the transaction that issues it

A process may die between any two of these. Without the row, the order is carried out again and the file replaced; with
it, the image is never generated again, and only its proof is still to be made.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import BaseModel, TypeAdapter

from service.access.client import Client
from service.access.tenants import Tenants
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import Proven
from service.gateway.summary import ReleaseSummary, summarize_proven
from service.jobs.files import INPUT, JobFiles
from service.jobs.problems import JobProblem
from service.jobs.running import RunningJob
from service.kit.errors import Busy, Cancelled, Error, Misconfigured, Unavailable
from service.ledger.ledger import Ledger, Transaction
from service.ledger.publisher import CheckpointPublisher
from service.media.pictures import Mime

ORDERS = f"{INPUT}orders"
_ORDERS = TypeAdapter(list[Order])
_LENGTH_BYTES = 4
_AUDIT = "Run `countermark audit verify`."


def orders_part(orders: Sequence[Order]) -> bytes:
    """The orders of a job as its file `ORDERS`."""
    return _ORDERS.dump_json(list(orders))


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A finished file, and its summary; `decision` and `proof` are empty until it is settled."""

    data: bytes
    mime: Mime
    size: tuple[int, int]
    summary: ReleaseSummary

    def to_bytes(self) -> bytes:
        """The length of a JSON header (4 bytes, big-endian), the header, the file."""
        head = {"mime": self.mime, "size": self.size, "summary": self.summary.model_dump()}
        text = json.dumps(head).encode()
        return len(text).to_bytes(_LENGTH_BYTES, "big") + text + self.data

    @classmethod
    def from_bytes(cls, data: bytes) -> "StoredImage":
        start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
        head = json.loads(data[_LENGTH_BYTES:start])
        width, height = head["size"]
        return cls(data[start:], head["mime"], (width, height), ReleaseSummary.model_validate(head["summary"]))


class Outcome(BaseModel):
    """What became of one order: an image with its decision and proof, or a refusal."""

    decision: str = ""
    proof: str = ""
    refusal: JobProblem | None = None


def image_name(number: int) -> str:
    return f"image-{number}"


def outcome_name(number: int) -> str:
    return f"outcome-{number}"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps one image of a job; see `ResultKeeper`."""

    job: RunningJob
    number: int

    def store(self, proven: Proven, sha256: str) -> None:
        signed = proven.signed
        order = signed.marked.cleared.draft.admitted.job
        image = StoredImage(signed.data, signed.mime, (order.width, order.height), summarize_proven(proven, sha256))
        self.job.files.write(image_name(self.number), image.to_bytes())

    def record(self, transaction: Transaction, content_id: str) -> None:
        self.job.check_owner(transaction)
        if transaction.job_images.get(self.job.row.id, self.number) is not None:
            raise Cancelled("the image was issued before", stage="issue")
        transaction.job_images.add(self.job.row.id, self.number, content_id)


class ImageJobs:
    """Runs jobs that generate or edit images."""

    def __init__(
        self,
        gateway: Callable[[], Gateway],
        ledger: Ledger,
        publisher: CheckpointPublisher,
        tenants: Tenants,
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._publisher = publisher
        self._tenants = tenants

    def __call__(self, job: RunningJob) -> None:
        """Settle every order of the job.

        Raises:
            Cancelled, Busy, Unavailable: as `Runner`.
            Error: the first refusal, if no image was released.
        """
        gateway = self._gateway()
        outcomes = []
        for number, order in enumerate(_ORDERS.validate_json(job.files.read(ORDERS))):
            job.check()
            if not job.files.has(outcome_name(number)):
                outcome = self._settle(job, number, partial(self._release, gateway, order, job))
                job.files.write(outcome_name(number), outcome.model_dump_json().encode())
            outcomes.append(outcome_of(job.files, number))
            job.get_on(number + 1)
        refusals = [outcome.refusal for outcome in outcomes if outcome.refusal]
        if len(refusals) == len(outcomes):
            raise refusals[0].as_error()

    def _settle(self, job: RunningJob, number: int, release: Callable[[int], Outcome]) -> Outcome:
        with self._ledger.read() as stored:
            content_id = stored.job_images.get(job.row.id, number)
        try:
            return self._prove(content_id) if content_id else release(number)
        except (Busy, Cancelled, Unavailable):
            raise
        except Error as refusal:
            return Outcome(refusal=JobProblem.of(refusal))

    def _release(self, gateway: Gateway, order: Order, job: RunningJob, number: int) -> Outcome:
        observer = ReleaseObserver(cancelled=job.should_stop)
        released = gateway.release(order, observer, self._client(job), Keeper(job, number))
        return Outcome(decision=released.decision, proof=released.proof)

    def _prove(self, content_id: str) -> Outcome:
        """The proof of an image that was issued by a process that died then. Raises CheckpointNotTaken."""
        with self._ledger.read() as stored:
            found = stored.decisions.about(content_id, "issued")
        if not found:
            raise Misconfigured("no decision in the chain issued the image of a job", hint=_AUDIT)
        return Outcome(decision=found[-1].hash, proof=str(self._publisher.prove_released(found[-1])))

    def _client(self, job: RunningJob) -> Client:
        """Raises ClientRemoved if the key that ordered is revoked."""
        return self._tenants.client_again(job.row.tenant or "", job.row.client_key)


def outcome_of(files: JobFiles, number: int) -> Outcome:
    """What became of one order. Raises Unavailable, Misconfigured as `JobFiles.read`."""
    return Outcome.model_validate_json(files.read(outcome_name(number)))


def image_in(files: JobFiles, number: int, outcome: Outcome, ledger: Ledger) -> StoredImage:
    """A released image of a job. It is given to nobody unless it is exactly the file that was issued.

    Raises:
        Misconfigured: the ledger has no such image, or the file is another one.
        Unavailable: as `JobFiles.read`.
    """
    image = StoredImage.from_bytes(files.read(image_name(number)))
    issued = ledger.by_content_id(image.summary.content_id)
    if issued is None or hashlib.sha256(image.data).hexdigest() != issued.sha256:
        raise Misconfigured("the result of the job is not the image that was issued", hint=_AUDIT)
    settled = image.summary.model_copy(update={"decision": outcome.decision, "proof": outcome.proof})
    return StoredImage(image.data, image.mime, image.size, settled)
