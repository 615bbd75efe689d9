"""Time to read a Content Credential, against the bare C2PA library: `python -m benchmarks.credentials`.

Each file is read by both in turn, so that whatever else the machine does weighs on both; medians, and their ratio.
The bare library reads with the same trust lists and returns its JSON; ours finds the credential, judges the whole tree
and returns the origin, in this process and, as for files from outside, in a worker process.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable, Iterator

from c2pa import Context, Reader

from service.media.credentials import IsolatedSdk
from service.media.isolation.pool import ParserPool
from service.media.pictures import ImageLimits
from tests.assets import provenance
from tests.assets.hostile import picture, save
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.origin import origin
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.trust import CLAIM_EKUS


def lists(count: int) -> list[TrustList]:
    """A list that vouches for the files, among others of many certificates, as an operator has."""
    others = [
        TrustList(f"other-{n}", b"".join(provenance.Lab.make(f"{n}-{m}").pem for m in range(30))) for n in range(count)
    ]
    return [*others, TrustList("lab", provenance.lab().pem)]


def bare(trust: list[TrustList]) -> Context:
    """The library alone, with the same lists and as little network."""
    ekus = "\n".join(CLAIM_EKUS)
    return Context.from_dict(
        {
            "version": 1,
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
            "trust": {
                "trust_config": ekus,
                "anchors": [
                    {
                        "trust_kind": "manifest",
                        "trust_uri": t.uri,
                        "trust_anchors": t.pem.decode(),
                        "trust_config": ekus,
                    }
                    for t in trust
                ],
            },
        }
    )


def files() -> Iterator[tuple[str, str, bytes]]:
    """Signed files by size and form, and one with a tree."""
    for form, side in (
        ("JPEG", 512),
        ("JPEG", 1024),
        ("JPEG", 2048),
        ("PNG", 1024),
        ("PNG", 512),
        ("WEBP", 512),
        ("AVIF", 512),
        ("TIFF", 512),
    ):
        mime = f"image/{form.lower()}"
        plain = save(picture(size=(side, side)), form)
        yield f"{form} {side} px", mime, provenance.lab().sign(plain, mime, provenance.GENERATED)
    parent = provenance.edited([provenance.OPENED], (provenance.generated(), "parentOf"))
    yield "JPEG, 3 manifests", "image/jpeg", provenance.edited([provenance.OPENED], (parent, "parentOf"))


def milliseconds(work: Callable[[bytes, str], object], data: bytes, mime: str) -> float:
    begin = time.perf_counter()
    work(data, mime)
    return 1000 * (time.perf_counter() - begin)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--lists", type=int, default=2, help="further lists of 30 certificates")
    chosen = options.parse_args()
    pki, trust = make_development_pki(), lists(chosen.lists)
    ours, theirs = Credentials(pki.chain, pki.key, "es256", trust), bare(trust)

    def read_bare(data: bytes, mime: str) -> str:
        with Reader(mime, io.BytesIO(data), context=theirs) as reader:
            return str(reader.json())

    def read_ours(data: bytes, mime: str) -> object:
        return origin(ours.read(data, mime))

    pool = ParserPool(1, 1 << 30)
    isolated = ours.reader.asking(IsolatedSdk(ImageLimits(1 << 28, 1 << 28, 60.0, pool)))

    def read_isolated(data: bytes, mime: str) -> object:
        return origin(isolated.read(data, mime))

    print("| file | bare library, ms | ours, ms | ratio of medians | of the fastest | in a worker, ms more |")
    print("|---|---|---|---|---|---|")
    for name, mime, data in files():
        assert ours.read(data, mime).state == "trusted"
        assert isolated.read(data, mime).state == "trusted"
        theirs_ms, ours_ms, isolated_ms = zip(
            *(
                [milliseconds(read, data, mime) for read in (read_bare, read_ours, read_isolated)]
                for _ in range(chosen.rounds)
            ),
            strict=True,
        )
        library, own = statistics.median(theirs_ms), statistics.median(ours_ms)
        more = statistics.median(there - here for there, here in zip(isolated_ms, ours_ms, strict=True))
        least = min(ours_ms) / min(theirs_ms)
        print(f"| {name} | {library:.2f} | {own:.2f} | {own / library:.2f} | {least:.2f} | {more:.2f} |")
    plain = save(picture(size=(2048, 2048)), "JPEG")
    absent, there = (
        statistics.median(milliseconds(read, plain, "image/jpeg") for _ in range(chosen.rounds))
        for read in (read_ours, read_isolated)
    )
    print(f"| JPEG 2048 px without a credential | | {absent:.2f} | | | {there - absent:.2f} |")
    pool.close()


if __name__ == "__main__":
    main()
