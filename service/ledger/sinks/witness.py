"""A witness (https://c2sp.org/tlog-witness): somebody else's service that cosigns a checkpoint once it has checked that
it continues the one before."""

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlunsplit

from service.kit.errors import MalformedProof, Misconfigured
from service.ledger.checkpoints import Checkpoint
from service.ledger.notes import MOST_BYTES, KeyType, SignatureLine, VerifierKey, signature_lines
from service.ledger.proofs import encoded
from service.ledger.sinks.sink import Ahead, Contradiction, NotTaken
from service.ledger.transparency import TransparencyLog

if TYPE_CHECKING:
    import httpx

_ATTEMPTS = 5  # other processes of this installation may submit at the same time
_SIZE = re.compile(r"(0|[1-9][0-9]{0,17})\n?")
_WHY = {403: "it does not accept this log's key", 404: "it does not know this log"}


class WitnessSink:
    """Asks a witness for a cosignature, from the size that it has seen last."""

    confirms = True

    def __init__(self, url: str, key: VerifierKey, timeout: float) -> None:
        """`url`: the witness's submission prefix. `timeout`: seconds for a whole answer."""
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._key = key
        self._timeout = timeout
        self._seen = 0
        self._opened: httpx.Client | None = None

    @property
    def name(self) -> str:
        return f"witness {self._key.name}"

    def take(self, checkpoint: Checkpoint, log: TransparencyLog) -> Sequence[SignatureLine]:
        for _ in range(_ATTEMPTS):
            seen = self._seen
            if seen > checkpoint.size:
                self._seen = 0  # what it says next time counts
                raise Ahead(seen, proved=False)
            path = encoded(log.consistency(seen, checkpoint.size))
            body = "".join(f"{line}\n" for line in [f"old {seen}", *path, ""]) + str(checkpoint.note)
            status, answer = self._post(body)
            if status == 200:
                lines = self._cosignatures(checkpoint, answer)
                self._seen = checkpoint.size
                return lines
            self._seen = self._size_after(status, answer, seen, checkpoint)
        raise NotTaken("other checkpoints came first again and again")

    def close(self) -> None:
        client, self._opened = self._opened, None
        if client is not None:
            client.close()

    def _size_after(self, status: int, answer: str, seen: int, checkpoint: Checkpoint) -> int:
        """The size that a refusal names. Raises NotTaken, Contradiction for any other refusal."""
        if status == 422:
            raise Contradiction(f"it has seen other first {seen} decisions than this log has", proved=False)
        size = _SIZE.fullmatch(answer) if status == 409 else None
        if size is None:
            raise NotTaken(_WHY.get(status, f"it answered with status {status}"))
        if int(size[1]) == seen == checkpoint.size:
            raise Contradiction(f"it has seen another log of {seen} decisions", proved=False)
        return int(size[1])

    def _cosignatures(self, checkpoint: Checkpoint, answer: str) -> list[SignatureLine]:
        """The witness's own signatures. Those of unknown keys are ignored, as the protocol says."""
        try:
            lines = [line for line in signature_lines(answer) if line.is_of(self._key)]
        except MalformedProof as malformed:
            raise NotTaken("its answer is not a cosignature") from malformed
        if not lines or not all(self._key.accepts(checkpoint.note.text, line.signature) for line in lines):
            raise NotTaken("its cosignature is not valid")
        return lines

    def _post(self, body: str) -> tuple[int, str]:
        """Status and text of the answer. Raises NotTaken without one in time."""
        import httpx  # noqa: PLC0415 - takes 0.1 s to import, which commands without a witness need not pay

        client = self._opened = self._opened or httpx.Client(timeout=self._timeout, follow_redirects=False)
        end, received = time.monotonic() + self._timeout, b""
        try:
            with client.stream("POST", self._url, content=body.encode()) as response:
                for chunk in response.iter_bytes():
                    received += chunk
                    if len(received) > MOST_BYTES or time.monotonic() > end:
                        raise NotTaken("its answer is too long or too slow")
                return response.status_code, received.decode("utf-8", "replace")
        except httpx.HTTPError as fault:
            raise NotTaken(f"it cannot be reached ({type(fault).__name__})") from fault


def open_sink(address: SplitResult, timeout: float) -> WitnessSink:
    """`https://WITNESS#KEY`, with the witness's verifier key. Raises Misconfigured."""
    try:
        key = VerifierKey.parse(unquote(address.fragment))
    except MalformedProof as malformed:
        raise Misconfigured(
            "a witness needs its verifier key", hint="Write https://WITNESS#NAME+ID+KEY."
        ) from malformed
    if key.type is not KeyType.COSIGNATURE or not address.hostname:
        raise Misconfigured("the key of a witness is one for cosignatures (type 4)")
    return WitnessSink(urlunsplit((address.scheme, address.netloc, address.path, "", "")), key, timeout)
