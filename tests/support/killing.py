"""A process that generates an image and is killed on the way, for tests of what a crash leaves behind."""

import os
import pathlib
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from service import installation as module
from service.cli import app, files
from service.gateway.assembly import build_gateway
from service.gateway.options import GatewayOptions
from service.gateway.pipeline import Gateway
from service.gateway.stages import IssueStage, MarkStage, ProveStage, SignStage
from service.kit.settings import PREFIX
from service.ledger.ledger import Ledger, Transaction
from service.media.pictures import ImageLimits
from tests.support.painter import Checker, Painter
from tests.support.processes import CONTEXT
from tests.support.prompts import Screen

STEPS: Mapping[str, tuple[type | Any, str]] = {
    "render": (Painter, "render"),
    "check": (Checker, "__call__"),
    "mark": (MarkStage, "__call__"),
    "sign": (SignStage, "__call__"),
    "prove": (ProveStage, "__call__"),
    "issue": (IssueStage, "__call__"),
    "store": (Ledger, "issue"),
    "append": (Transaction, "_append"),
    "write": (files, "write"),
    "replace": (pathlib.Path, "replace"),
}
"""What is called on the way from the order to the image's file, in order of the first call."""

POINTS = [f"{when} {name}" for name in STEPS for when in ("before", "after")]


def start(point: str, home: Path, out: Path, seed: int = 1) -> ForkServerProcess:
    """`countermark generate` over the painter, in a process that kills itself (SIGKILL: no handler, no flush) at one of
    POINTS, or at none. What it prints goes into `out` with the suffix `.stdout` or `.stderr`, beside its folder."""
    own = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    settings = {**own, PREFIX + "HOME": str(home), PREFIX + "THREADS": "1"}
    process = CONTEXT.Process(target=_generate, args=(point, settings, out, seed))
    process.start()
    return process


def printed(out: Path, suffix: str = ".stdout") -> str:
    """What the process printed that was to write `out`."""
    return _beside(out, suffix).read_text()


def _beside(out: Path, suffix: str) -> Path:
    return out.parent.with_name(f"{out.parent.name}-{out.stem}{suffix}")


def _generate(point: str, settings: Mapping[str, str], out: Path, seed: int) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= settings
    for stream, suffix in ((sys.stdout, ".stdout"), (sys.stderr, ".stderr")):
        with _beside(out, suffix).open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    for name, (owner, method) in STEPS.items():
        setattr(owner, method, _dying(point, name, getattr(owner, method)))
    module.Installation._open_gateway = painting_gateway  # type: ignore[method-assign]
    sys.argv = ["countermark", "generate", "a lake", "--out", str(out), "--seed", str(seed)]
    app.run()


def _dying(point: str, name: str, function: Callable[..., object]) -> Callable[..., object]:
    def call(*args: Any, **more: Any) -> object:
        # The home folder's own files are replaced as well; the image is what counts.
        here = point.endswith(f" {name}") and (name != "replace" or Path(args[1]).suffix == ".png")
        if here and point.startswith("before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **more)
        if here and point.startswith("after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def painting_gateway(self: module.Installation) -> Gateway:
    """In the place of `Installation._open_gateway`: a gateway over the painter, which loads nothing."""
    options = GatewayOptions("Test", 0.5, 30.0, 60.0, ImageLimits(1 << 20, 1 << 22))
    return build_gateway(
        Painter(),
        Screen(),
        [Checker()],
        self.codec,
        self.credentials,
        self.ledger,
        options,
        lambda prompt: "0",
        self.blocklist,
        self.likeness,
        self.adapters,
        self.publisher,
    )
