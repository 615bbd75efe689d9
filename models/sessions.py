"""ONNX Runtime behind one small, strict interface."""

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.cards import Card
from models.errors import ModelFault
from models.graphs import cut

CPU = ("CPUExecutionProvider",)


class Session:
    """A loaded ONNX model with one float input and float outputs; safe to share between threads."""

    def __init__(
        self,
        card: Card,
        path: str,
        *,
        threads: int = 1,
        providers: Sequence[str] = CPU,
        cut_at: Sequence[str] = (),
    ) -> None:
        """Load `path` of `card` from bytes whose digest was just checked, so what runs is what was read.

        `cut_at` names inner tensors to be the outputs instead of the model's own; what comes after them is dropped.

        Raises:
            ModelMissing, DigestMismatch: as `Card.read`.
            ModelFault: ONNX Runtime refuses the file, or lacks a provider (it would silently use another).
        """
        if missing := set(providers) - set(ort.get_available_providers()):
            raise ModelFault(f"ONNX Runtime has no {', '.join(sorted(missing))} on this machine")
        weights = card.read(path)
        try:
            if cut_at:
                weights = cut(weights, cut_at)
            self._session = _session(weights, threads, providers)
        except Exception as fault:
            raise ModelFault(f"{card.identity}: ONNX Runtime cannot load {path}: {fault}") from fault
        self.card = card
        self._input = self._session.get_inputs()[0].name
        self.outputs: tuple[str, ...] = tuple(out.name for out in self._session.get_outputs())
        """What the outputs are called, in the order of `run_all`."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output for `batch` (float32, leading axis N); all finite, same N.

        Raises:
            ModelFault: the run failed, or gave NaN, infinities or another number of rows.
        """
        return self.run_all(batch)[0]

    def run_all(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Every output for `batch`, under the same conditions as `run`."""
        try:
            outputs = [np.asarray(out, dtype=np.float32) for out in self._session.run(None, {self._input: batch})]
        except Exception as fault:
            raise ModelFault(f"{self.card.identity}: {fault}") from fault
        for out in outputs:
            if out.shape[:1] != batch.shape[:1]:
                raise ModelFault(f"{self.card.identity}: {len(batch)} images in, output of shape {out.shape}")
            if not np.isfinite(out).all():
                raise ModelFault(f"{self.card.identity}: the output is not finite")
        return outputs


class InMemorySession:
    """A graph on the processor with several inputs, by name, and one float output; safe to share between threads."""

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        """Raises ModelFault where ONNX Runtime refuses `model`."""
        try:
            self._session = _session(model, threads, CPU)
        except Exception as fault:
            raise ModelFault(f"ONNX Runtime cannot load the graph: {fault}") from fault
        self.shapes: dict[str, tuple[int | str, ...]] = {i.name: tuple(i.shape) for i in self._session.get_inputs()}
        """Of each input; a name stands for any number."""

    def run(self, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output for these inputs. Raises ModelFault where the run failed."""
        try:
            return np.asarray(self._session.run(None, inputs)[0], np.float32)
        except Exception as fault:
            raise ModelFault(f"ONNX Runtime: {fault}") from fault


def _session(model: bytes, threads: int, providers: Sequence[str]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait must sleep: on processors that do other things as well, spinning ones take them from each other.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=list(providers))
