"""What makers meant, what we say and what the bare C2PA library says: `python benchmarks/scoreboard.py`.

Writes docs/scoreboard.md; with --check it only fails where that page is out of date. Every file is made on the spot
after a public report or a passage of a specification. Keys are new in each run, so nothing but the words is kept.

Ours is the answer of credential and metadata alone, without classifiers, watermarks or a ledger. The library reads with
the same trust list.
"""

import argparse
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from c2pa import C2paError, Context, Reader
from PIL import Image
from PIL.PngImagePlugin import PngInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.credential_mutants import originals
from detectors import declarations
from detectors.declared.reading import read_metadata
from service.examiner.policy import Outcome, Verdict
from tests.assets import provenance
from tests.assets.hostile import picture, save
from tests.support.evidence import Evidence
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki
from watermark.c2pa.presence import look
from watermark.c2pa.reader import configuration

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scoreboard.md"
SDK_WORDS = {
    Outcome.VERIFIED: ("Trusted",),
    Outcome.UNTRUSTED: ("Valid",),
    Outcome.INVALID: ("Invalid",),
    Outcome.UNREADABLE: ("error",),
    Outcome.NOTHING: ("no credential", "not fetched"),
    Outcome.EXPIRED: (),
}
"""The library's words that mean the same as an outcome. It has none for an expired certificate."""


@dataclass(frozen=True, slots=True)
class Row:
    """A file, why it is here, and what it must read as. `manifest`: a credential beside it."""

    kind: str
    meant: str
    source: str
    data: bytes
    integrity: str
    verdict: str
    outcome: str
    conflicts: tuple[str, ...] = ()
    manifest: bytes | None = None


INTRODUCTION = """\
What the makers of files meant, what Countermark says, and what the C2PA library alone (c2pa-python {version}, without a
network) says. Every file is made by this repository's own code after a public report or a passage of a specification.
`python benchmarks/scoreboard.py` writes this page, and a test keeps it in step.

- Countermark: integrity, verdict, and the answer of `verify` ([how a credential is read](credentials.md)), from
  credential and metadata alone: classifiers, watermarks and the ledger are not asked.
- The library: its one word, with the failures that it gives, or the kind of its error. It counts as right where that
  word means what `verify` must answer. It names no origin, has no word for an expired certificate, and does not read
  unsigned metadata.
- **no** stands where an answer is not what was meant.
"""

ABSENT = ("absent", "inconclusive", "nothing_found")
C2PA = "C2PA 2.4, "
ACTIONS, PARTS = C2PA + "actions and digital source types", C2PA + "ingredients"
RESULTS = C2PA + "validation results of ingredients (14.3.6)"
IPTC = "IPTC digital source types"
EMBEDDING = C2PA + "appendix A"
METADATA = "Unsigned metadata"
DAMAGE = "mutants of our own"
MEANT = {
    "ai-then-resized.jpg": ("a generated image, made smaller", PARTS),
    "ai-then-resized-then-cropped.jpg": ("the same, cropped by another editor", PARTS),
    "ai-placed.jpg": ("a drawing with a generated part", ACTIONS),
    "ai-placed-on-photo.jpg": ("a photograph with a generated part", ACTIONS),
    "photo-placed-on-ai.jpg": ("a generated image with a part of a photograph", ACTIONS),
    "camera-then-filled.jpg": ("a photograph with a generative fill: no generated image", "Made with AI labels, 2024"),
    "plain-then-filled.jpg": ("the same of a photograph without a credential", "Made with AI labels, 2024"),
    "composite.jpg": ("a composite with generated parts", IPTC),
    "camera-then-cropped.jpg": ("a photograph, cropped: still a photograph", PARTS),
    "film.jpg": ("a scanned negative", IPTC),
    "phone.jpg": ("a photograph computed from several exposures", IPTC),
    "https.jpg": ("a photograph; its source type begins with https", IPTC),
    "reference-was-ai.jpg": ("drawn after a generated image, which is no part of it", PARTS),
    "drawn.jpg": ("drawn by a person", IPTC),
    "wrong-case.jpg": ("a word that is none of the vocabulary", IPTC),
    "laundered.jpg": ("an altered photograph under an honest editor's signature", RESULTS),
    "laundered-twice.jpg": ("the same, two editors deep", RESULTS),
    "algorithmic.jpg": ("made by an algorithm that was not trained", IPTC),
    "broken.jpg": ("pixels changed after signing", C2PA + "hard bindings"),
    "cut-signed.jpg": ("a signed photograph, cut short in transfer", C2PA + "hard bindings"),
    "stranger.jpg": ("intact, signed by somebody on no list", "c2patool#195"),
    "stranger-over-trusted.jpg": ("a stranger's crop of a trusted photograph", RESULTS),
}


def rows() -> Iterator[tuple[str, list[Row]]]:
    """Every file by the heading that it stands under."""
    yield (
        "Damaged files without a credential",
        [Row(name, "nothing", DAMAGE, data, *ABSENT) for name, data in provenance.without_credential_bytes()],
    )
    yield (
        "Credentials and what they are made of",
        [
            Row(
                case.name,
                *MEANT[case.name],
                case.data,
                case.integrity,
                case.verdict,
                case.outcome,
                conflicts=case.conflicts,
            )
            for case in provenance.trees()
        ],
    )
    yield "Time and place of a credential", list(elsewhere())
    yield "Kinds of files", list(kinds())
    yield METADATA, list(metadata())


def elsewhere() -> Iterator[Row]:
    late = ("intact", "credential_expired", "expired")
    meant = "generated; the certificate has expired since"
    yield Row("expired.jpg", meant, "c2pa-rs#1488", provenance.expired(), *late)
    url = "http://127.0.0.1:9/manifest.c2pa"
    remote = provenance.lab().sign(provenance.jpeg(), "image/jpeg", provenance.CAMERA, remote_url=url, embed=False)
    yield Row("remote.jpg", "a credential at a URL, which is shown and never fetched", EMBEDDING, remote, *ABSENT)
    beside = provenance.lab().sidecar(provenance.jpeg(), "image/jpeg", provenance.CAMERA)
    verified = ("intact", "declared_camera", "verified")
    yield Row(
        "sidecar.c2pa",
        "a photograph, its credential beside it",
        EMBEDDING,
        provenance.jpeg(),
        *verified,
        manifest=beside,
    )


def kinds() -> Iterator[Row]:
    animated = [
        ("animated PNG", "image/png", provenance.moving("PNG")),
        ("animated GIF", "image/gif", provenance.moving("GIF")),
    ]
    for kind, mime, data in [*originals(), *animated]:
        signed = provenance.lab().sign(data, mime, provenance.GENERATED)
        yield Row(kind, "generated", EMBEDDING, signed, "intact", "declared_synthetic", "verified")


def metadata() -> Iterator[Row]:
    nothing, declared = ("absent", "inconclusive"), ("absent", "declared_synthetic")
    yield Row(
        "comfyui.webp",
        "generated; the graph stands in the camera's tags",
        "ComfyUI",
        comfyui(),
        *declared,
        "nothing_found",
    )
    plain = with_text(prompt="Describe this photo for the class")
    yield Row(
        "plain-prompt-key.png", "nothing: a text that is called prompt", "PNG, tEXt", plain, *nothing, "nothing_found"
    )
    graph = with_text(prompt='{"3": {"class_type": "KSampler", "inputs": {}}}')
    yield Row("comfyui.png", "generated", "ComfyUI", graph, *declared, "nothing_found")
    meant, source = "a photograph, its light corrected by a tool called Imagen AI", "Made with AI labels, 2024"
    yield Row("retouched-canon.jpg", meant, source, retouched(), "absent", "declared_camera", "nothing_found")


def comfyui() -> bytes:
    return with_exif("WEBP", 'workflow:{"last_node_id":9,"nodes":[]}', 'prompt:{"3":{"class_type":"KSampler"}}')


def retouched() -> bytes:
    return with_exif("JPEG", "Canon", "EOS R5", "Imagen AI 8.1 Lightroom")


def with_exif(form: str, make: str, model: str, software: str = "") -> bytes:
    """An image with the tags of a camera."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    if software:
        exif[0x0131] = software
    return save(picture(), form, exif=exif)


def with_text(**texts: str) -> bytes:
    """A PNG with text chunks."""
    info = PngInfo()
    for keyword, value in texts.items():
        info.add_text(keyword, value)
    return save(picture(), "PNG", pnginfo=info)


@dataclass(frozen=True)
class Board:
    """Both readers, with one trust list."""

    trust: TrustList

    @cached_property
    def ours(self) -> Credentials:
        pki = make_development_pki()
        return Credentials(pki.chain, pki.key, "es256", [self.trust])

    @cached_property
    def context(self) -> Context:
        return Context.from_dict(configuration([self.trust]))

    def we_say(self, row: Row) -> tuple[str, Verdict, Outcome, tuple[str, ...]]:
        """Integrity, verdict, the outcome of `verify`, and conflicts."""
        mime = look(row.data).mime or "application/octet-stream"
        declared = tuple(declarations(read_metadata(row.data)))
        report = Evidence(self.ours.read(row.data, mime, row.manifest), declared).report()
        return report.claimed.integrity, report.verdict, report.outcome, tuple(report.conflicts)

    def sdk_says(self, row: Row) -> tuple[str, str]:
        """The library's one word, and the codes of its failures or the kind of its error."""
        mime = look(row.data).mime or "application/octet-stream"
        try:
            reader = Reader.try_create(mime, io.BytesIO(row.data), row.manifest, context=self.context)
        except C2paError as refused:
            kind = str(refused).partition(":")[0]
            return ("not fetched", "") if kind == "Remote" else ("error", kind)
        if reader is None:
            return "no credential", ""
        with reader:
            answer = json.loads(reader.json())
        results = answer.get("validation_results", {}).get("activeManifest", {})
        return str(answer["validation_state"]), ", ".join(
            dict.fromkeys(each["code"] for each in results.get("failure", ()))
        )


def as_meant(row: Row, board: Board) -> tuple[bool, bool]:
    """Whether we say what its maker meant, and whether the library does, as far as it has a word for it."""
    ours = board.we_say(row) == (row.integrity, row.verdict, row.outcome, row.conflicts)
    library = board.sdk_says(row)[0] in SDK_WORDS[Outcome(row.outcome)]
    return ours, library


def page() -> Iterator[str]:
    board = Board(TrustList("lab", provenance.lab().pem))
    yield "<!-- Written by benchmarks/scoreboard.py; do not edit. -->\n"
    yield "# Scoreboard\n"
    yield INTRODUCTION.format(version=version("c2pa-python"))
    tables: list[str] = []
    counts: list[str] = []
    for heading, found in rows():
        table = ["| file | its maker meant | Countermark | library | after |", "|---|---|---|---|---|"]
        judged = [as_meant(row, board) for row in found]
        for row, (ours, sdk) in zip(found, judged, strict=True):
            integrity, verdict, outcome, conflicts = board.we_say(row)
            words = ", ".join([integrity, f"`{verdict}`", f"`{outcome}`", *(f"conflict `{c}`" for c in conflicts)])
            word, codes = board.sdk_says(row)
            library = "not read" if heading == METADATA else f"{word} ({codes})" if codes else word
            table.append(f"| {row.kind} | {row.meant} | {wrong(ours)}{words} | {wrong(sdk)}{library} | {row.source} |")
        tables.append(f"## {heading}\n\n" + "\n".join(table) + "\n")
        library = "-" if heading == METADATA else str(sum(sdk for _, sdk in judged))
        counts.append(f"| {heading} | {len(found)} | {sum(ours for ours, _ in judged)} | {library} |")
    yield "| | files | Countermark as meant | library as meant |\n|---|---|---|---|\n" + "\n".join(counts) + "\n"
    yield "\n".join(tables)


def wrong(right: bool) -> str:
    return "" if right else "**no**: "


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="change nothing and exit 1 if the page is out of date")
    text = "\n".join(page())
    if options.parse_args().check:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
