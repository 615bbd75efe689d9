"""Damaged files of every kind, signed and not: `python -m benchmarks.credential_mutants --files 20000`.

Each is cut, overwritten, stretched or joined at random places, and read. What must hold of all of them: nothing
crashes, nothing hangs, and nothing without credential bytes is called altered. A few damaged signed files stay intact:
the padding of a signature is not signed.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator

from tests.assets import provenance
from tests.assets.containers import CONTAINERS
from tests.assets.hostile import picture, save
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.presence import look
from watermark.c2pa.status import Integrity


def document() -> bytes:
    """A PDF of one empty page."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
    ]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 4\n0000000000 65535 f \n" + table + trailer


def originals() -> Iterator[tuple[str, str, bytes]]:
    """Kind, type and a plain file of each."""
    for form in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF"):
        yield form, f"image/{form.lower()}", save(picture(size=(96, 64)), form)
    yield "animated WebP", "image/webp", provenance.moving("WEBP")
    yield "PDF", "application/pdf", document()
    for mime, data in CONTAINERS.items():
        yield mime, mime, data


def mutant(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """One file, damaged."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(out))
        match rng.randrange(6):
            case 0:
                del out[at:]
            case 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                out[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\x01", b"\x7f\xff\xff\xff"))
            case 3:
                del out[at : at + rng.randrange(1, 64)]
            case 4:
                out[at:at] = out[at : at + rng.randrange(1, 256)]
            case _:
                out += other[: rng.randrange(len(other))]
        if not out:
            out = bytearray(b"\0")
    return bytes(out)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    pki = make_development_pki()
    reader = Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])
    plain = list(originals())
    signed = [(kind, mime, provenance.lab().sign(data, mime, provenance.CAMERA)) for kind, mime, data in plain]
    counts: Counter[tuple[str, str, str]] = Counter()
    slowest = work = 0.0
    for number in range(chosen.files):
        with_credential = number % 2 == 0
        kind, mime, data = rng.choice(signed if with_credential else plain)
        file = mutant(data, rng.choice(plain)[2], rng)
        begin, used = time.perf_counter(), time.process_time()
        read = reader.read(file, mime)
        slowest, work = max(slowest, time.perf_counter() - begin), max(work, time.process_time() - used)
        counts[kind, "signed" if with_credential else "plain", read.integrity.value] += 1
        if not with_credential:
            assert read.integrity is not Integrity.ALTERED or look(file).embedded, (kind, number)
    columns = [each.value for each in Integrity]
    print(f"| kind | | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
    for kind, _, _ in plain:
        for of in ("plain", "signed"):
            print(f"| {kind} | {of} | {' | '.join(str(counts[kind, of, each]) for each in columns)} |")
    took = f"the slowest {1000 * slowest:.0f} ms, and at most {1000 * work:.0f} ms of one core"
    print(f"\n{chosen.files:,} files, {took}; no crash, no hang")


if __name__ == "__main__":
    main()
