"""A small, strict interface to ONNX Runtime.

ONNX and its runtime are imported with the first session: many commands open none, and both take a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.cards import Card
from models.errors import ModelFault

if TYPE_CHECKING:
    import onnxruntime as ort

CPU = ("CPUExecutionProvider",)


class Session:
    """A loaded ONNX model with one float input and float outputs. Thread-safe."""

    def __init__(
        self,
        card: Card,
        path: str,
        *,
        threads: int = 1,
        providers: Sequence[str] = CPU,
        cut_at: Sequence[str] = (),
        by_row: bool = False,
    ) -> None:
        """Load `path` of `card` from the very bytes whose digest was verified.

        `cut_at`: inner tensors to use as outputs instead of the model's own; what comes after them is removed.
        `by_row`: quantise row by row what the model quantises dynamically (see `models.row_quantisation`), so that a
        result does not depend on the batch.

        Raises:
            ModelMissing, DigestMismatch: as `Card.read`.
            ModelFault: ONNX Runtime rejects the file, or lacks a provider (it would silently use another).
        """
        import onnxruntime as ort  # noqa: PLC0415 - see above

        if missing := set(providers) - set(ort.get_available_providers()):
            raise ModelFault(f"ONNX Runtime has no {', '.join(sorted(missing))} on this machine")
        weights = card.read(path)
        try:
            weights = _changed(weights, cut_at, by_row=by_row)
            self._session = open_session(weights, threads, providers)
        except Exception as fault:
            raise ModelFault(f"{card.identity}: ONNX Runtime cannot load {path}: {fault}") from fault
        self.card = card
        self._input = self._session.get_inputs()[0].name
        self.outputs: tuple[str, ...] = tuple(out.name for out in self._session.get_outputs())
        """The names of the outputs, in the order of `run_all`."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the first output for `batch` (float32, leading axis N): float32, finite, same N.

        Raises:
            ModelFault: the run failed, or returned NaN, infinities or another number of rows.
        """
        return self.run_all(batch)[0]

    def run_all(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return every output for `batch`; otherwise as `run`."""
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
    """A graph on the CPU with several named inputs (float32 or int64) and one float output. Thread-safe."""

    def __init__(
        self, model: bytes, *, threads: int = 1, weights: Mapping[str, NDArray[np.float32]] | None = None
    ) -> None:
        """`weights`: by name, for a `model` without them; those that it does not read are left out.

        Raises ModelFault if ONNX Runtime rejects them.
        """
        try:
            if weights is not None:
                from models.graphs import awaiting  # noqa: PLC0415 - see above

                model, names = awaiting(model, weights)
                weights = {name: np.ascontiguousarray(weights[name]) for name in names}
            self._weights = weights  # the session reads them where they are
            self._session = open_session(model, threads, CPU, weights)
        except Exception as fault:
            raise ModelFault(f"ONNX Runtime cannot load the graph: {fault}") from fault
        self.shapes: dict[str, tuple[int | str, ...]] = {i.name: tuple(i.shape) for i in self._session.get_inputs()}
        """The shape of each input by name; a dynamic axis is a string."""

    def run(self, **inputs: NDArray[np.float32 | np.int64]) -> NDArray[np.float32]:
        """Return the output for these inputs. Raises ModelFault if the run fails."""
        try:
            return np.asarray(self._session.run(None, inputs)[0], np.float32)
        except Exception as fault:
            raise ModelFault(f"ONNX Runtime: {fault}") from fault


def open_session(
    model: bytes, threads: int, providers: Sequence[str], weights: Mapping[str, NDArray[np.float32]] | None = None
) -> ort.InferenceSession:
    import onnxruntime as ort  # noqa: PLC0415 - see above

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Idle threads must sleep: on a shared CPU, spinning threads slow each other down.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights:
        values = [ort.OrtValue.ortvalue_from_numpy(each) for each in weights.values()]
        options.add_external_initializers(list(weights), values)
    return ort.InferenceSession(model, options, providers=list(providers))


def _changed(model: bytes, cut_at: Sequence[str], *, by_row: bool) -> bytes:
    from models.graphs import cut  # noqa: PLC0415 - see above
    from models.row_quantisation import quantised_by_row  # noqa: PLC0415

    model = cut(model, cut_at) if cut_at else model
    return quantised_by_row(model) if by_row else model
