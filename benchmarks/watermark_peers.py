"""Other open watermarks that run on a CPU, behind one interface, for the comparison in the watermark benchmark.

    pip install --no-deps invisible-watermark blind-watermark PyWavelets

Also needs torch, which invisible-watermark imports. `--no-deps`, because both packages depend on opencv-python, which
would replace opencv-python-headless.
"""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.watermark_attacks import Rgb
from watermark import Codec

Bits = np.ndarray
"""uint8[n] of zeros and ones."""


class Scheme(Protocol):
    name: str
    bits: int

    def embed(self, rgb: Rgb, message: Bits) -> Rgb: ...

    def extract(self, rgb: Rgb) -> Bits | None:
        """The bits, or None if the scheme reports that there is no watermark."""


class Ours:
    name, bits = "Countermark", 48

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def embed(self, rgb: Rgb, message: Bits) -> Rgb:
        return self._codec.embed(rgb, int("".join(map(str, message)), 2))

    def extract(self, rgb: Rgb) -> Bits | None:
        reading = self._codec.extract(rgb)
        return None if reading is None else np.array([int(bit) for bit in f"{reading.mark_id:048b}"], np.uint8)


class InvisibleWatermark:
    """A method of invisible-watermark, the package that Stable Diffusion's own scripts use."""

    def __init__(self, method: str, bits: int) -> None:
        from imwatermark import WatermarkDecoder, WatermarkEncoder

        self.name, self.bits, self._method = method, bits, method
        self._encoder, self._decoder = WatermarkEncoder, WatermarkDecoder
        if method == "rivaGan":
            _load_rivagan()

    def embed(self, rgb: Rgb, message: Bits) -> Rgb:
        encoder = self._encoder()
        encoder.set_watermark("bits", [int(bit) for bit in message])
        return np.ascontiguousarray(encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), self._method)[..., ::-1])

    def extract(self, rgb: Rgb) -> Bits | None:
        bits = self._decoder("bits", self.bits).decode(np.ascontiguousarray(rgb[..., ::-1]), self._method)
        return np.asarray(bits).astype(np.uint8)


class BlindWatermark:
    name, bits = "blind-watermark", 64

    def __init__(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            import blind_watermark

            blind_watermark.bw_notes.close()
        self._open: Callable[[], Any] = lambda: blind_watermark.WaterMark(password_img=1, password_wm=1)

    def embed(self, rgb: Rgb, message: Bits) -> Rgb:
        scheme = self._open()
        scheme.read_img(img=np.ascontiguousarray(rgb[..., ::-1]))
        scheme.read_wm([bool(bit) for bit in message], mode="bit")
        marked = np.clip(np.rint(scheme.embed()), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(marked[..., ::-1])

    def extract(self, rgb: Rgb) -> Bits | None:
        image = np.ascontiguousarray(rgb[..., ::-1])
        return np.asarray(self._open().extract(embed_img=image, wm_shape=self.bits, mode="bit")).astype(np.uint8)


def _load_rivagan() -> None:
    """Like `WatermarkEncoder.loadModel`, but on the CPU provider and one core."""
    import imwatermark
    import onnxruntime
    from imwatermark.rivaGan import RivaWatermark

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    folder = Path(imwatermark.__file__).parent
    for part in ("encoder", "decoder"):
        path = str(folder / f"rivagan_{part}.onnx")
        setattr(RivaWatermark, part, onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))


def schemes(codec: Codec) -> Iterator[Scheme]:
    """Ours, and every other scheme that is installed."""
    yield Ours(codec)
    for method, bits in (("dwtDct", 64), ("dwtDctSvd", 64), ("rivaGan", 32)):
        with contextlib.suppress(ImportError):
            yield InvisibleWatermark(method, bits)
    with contextlib.suppress(ImportError):
        yield BlindWatermark()
