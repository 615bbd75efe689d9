"""A witness (c2sp.org/tlog-witness) in the test's own process, which can be down, slow, or lie in several ways."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.ledger.checkpoints import Checkpoint
from service.ledger.merkle import EMPTY_ROOT, TreeHead, is_consistent
from service.ledger.notes import KeyType, SignatureLine, Signer, VerifierKey, cosigned

NAME = "witness.example/w"

Answer = tuple[int, str]


def cosignature(text: str, name: str, key: Ed25519PrivateKey, at: int | None = None) -> SignatureLine:
    """A witness's signature on a checkpoint, at a time in seconds since 1970."""
    now = int(time.time()) if at is None else at
    signer = Signer(name, key)
    id_ = VerifierKey(name, signer.verifier.public, KeyType.COSIGNATURE).id
    return SignatureLine(name, id_, now.to_bytes(8, "big") + key.sign(cosigned(now, text)))


class Witness:
    """Remembers the newest checkpoint of one log and cosigns what continues it.

    `behave` answers in its place: it is given what was posted and a function that answers honestly.
    """

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.verifier = VerifierKey(NAME, Signer(NAME, self.key).verifier.public, KeyType.COSIGNATURE)
        self.seen = TreeHead(0, EMPTY_ROOT)
        self.requests = 0
        self.behave: Callable[[str, Callable[[str], Answer]], Answer] = lambda body, honest: honest(body)
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, body: str) -> Answer:
        with self._lock:
            self.requests += 1
        return self.behave(body, self.honest)

    def honest(self, body: str) -> Answer:
        with self._lock:
            head, _, note = body.partition("\n\n")
            old, *hashes = head.split("\n")
            checkpoint = Checkpoint.parse(note)
            if int(old.removeprefix("old ")) != self.seen.size:
                return 409, f"{self.seen.size}\n"
            path = [base64.b64decode(line) for line in hashes]
            new = checkpoint.head
            if new.size == self.seen.size and new.root != self.seen.root:
                return 409, f"{self.seen.size}\n"
            if not is_consistent(self.seen.size, self.seen.root, new.size, new.root, path):
                return 422, ""
            self.seen = new
            return 200, str(cosignature(checkpoint.note.text, NAME, self.key))


@contextmanager
def running(witness: Witness) -> Iterator[Witness]:
    """The witness at a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status, text = witness.answer(body) if self.path == "/add-checkpoint" else (404, "")
            data = text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that gave up is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    witness.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield witness
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
