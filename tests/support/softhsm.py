"""A token of SoftHSM2, which stands for an HSM: a real PKCS#11 library with a key that never leaves it."""

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.support.certificates import Issued

_LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
LIBRARY = next((Path(path) for path in _LIBRARIES if Path(path).exists()), None)
PIN = "1234"


def why_not() -> str | None:
    """Why there is no token on this machine; None if there is one."""
    if LIBRARY is None or shutil.which("softhsm2-util") is None:
        return "no SoftHSM2 on this machine (Debian: softhsm2): keys on devices were not tested"
    if importlib.util.find_spec("pkcs11") is None:
        return "no python-pkcs11 (extra hsm): keys on devices were not tested"
    return None


@dataclass(frozen=True, slots=True)
class Token:
    """A token in a folder of its own. Its library finds it by SOFTHSM2_CONF, once in a process."""

    folder: Path
    label: str = "countermark test"

    @property
    def config(self) -> Path:
        return self.folder / "softhsm2.conf"

    def initialise(self) -> None:
        (self.folder / "tokens").mkdir()
        self.config.write_text(f"directories.tokendir = {self.folder / 'tokens'}\nlog.level = ERROR\n")
        self._run("--init-token", "--free", "--so-pin", "5678")

    def add(self, issued: Issued, label: str, number: int) -> None:
        """Put a key on the token under `label`."""
        path = self.folder / "key.pem"
        form = serialization.PrivateFormat.PKCS8
        path.write_bytes(issued.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        self._run("--import", str(path), "--id", f"{number:02x}", "--label", label, token="--token")
        path.unlink()

    def _run(self, *words: str, token: str = "--label") -> None:
        command = ["softhsm2-util", *words, token, self.label, "--pin", PIN]
        done = subprocess.run(
            command, capture_output=True, text=True, env={"SOFTHSM2_CONF": str(self.config)}, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
