"""What our part of signing costs beside the bare SDK: python -m benchmarks.signing

Both sign the same files with the same manifest and key; the SDK without checking its own work, as we do. Medians of
interleaved runs, so that a busy machine slows both. The ratio is what counts.
"""

import io
import json
import statistics
import time
from collections.abc import Callable
from typing import get_args

from c2pa import Builder, C2paSignerInfo, Context, Signer

from service.media.pictures import OutputFormat, encode
from tests.support.painter import landscape
from tests.support.statements import STATEMENT
from watermark.c2pa.manifest import build
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.signers import KeySigner
from watermark.c2pa.signing import ManifestSigner

_SIZES = (512, 1024)
_RUNS = 25


def main() -> None:
    pki = make_development_pki()
    plain = {"verify_after_sign": False, "remote_manifest_fetch": False}
    context = Context.from_dict({"version": 1, "verify": plain, "builder": {"thumbnail": {"enabled": False}}})
    ours = ManifestSigner(KeySigner(pki.chain, pki.key, "es256"), context)
    bare = Signer.from_info(C2paSignerInfo("es256", pki.chain, pki.key, None))
    print(f"{'file':>12} {'SDK ms':>8} {'ours ms':>8} {'ratio':>6}")
    for side in _SIZES:
        for to in get_args(OutputFormat):
            data, mime = encode(landscape(1, side, side), to)
            definition = json.dumps(build(STATEMENT, mime))

            def with_sdk(data: bytes = data, mime: str = mime, definition: str = definition) -> object:
                with Builder(definition, context) as builder:
                    return builder.sign(bare, mime, io.BytesIO(data), io.BytesIO())

            def with_ours(data: bytes = data, mime: str = mime) -> object:
                return ours.sign(data, mime, STATEMENT)

            sdk, own = _medians(with_sdk, with_ours)
            print(f"{f'{side} {to}':>12} {sdk:8.2f} {own:8.2f} {own / sdk:6.2f}")


def _medians(*works: Callable[[], object]) -> list[float]:
    """Milliseconds of each, run in turn."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(_RUNS):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append((time.perf_counter() - start) * 1000)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    main()
