"""A time-stamp authority on this machine: `openssl ts` behind a small HTTP server."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.certificates import authority, leaf

WITHOUT_OPENSSL = None if shutil.which("openssl") else "no openssl on this machine: time-stamps were not tested"

_CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/root.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@contextmanager
def authority_at(folder: Path) -> Iterator[tuple[str, bytes]]:
    """A running authority: its URL, and the root (PEM) of its certificate."""
    root = authority("Test TSA Root")
    tsa = leaf(root, purposes=(ExtendedKeyUsageOID.TIME_STAMPING,), critical=True)
    (folder / "root.pem").write_bytes(root.pem)
    (folder / "tsa.pem").write_bytes(tsa.pem)
    (folder / "tsa.key").write_bytes(tsa.key_pem)
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    with serving(lambda query: _reply(folder, query)) as url:
        yield url, root.pem


def _reply(folder: Path, query: bytes) -> bytes:
    (folder / "query").write_bytes(query)
    words = ["openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", folder / "query"]
    return subprocess.run([str(word) for word in words], check=True, capture_output=True).stdout


@contextmanager
def serving(answer: Callable[[bytes], bytes], status: int = 200) -> Iterator[str]:
    """An HTTP server that gives `answer` of each body. Its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Not on the test's standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
