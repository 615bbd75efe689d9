"""Attacks on what a report says: files that were cut or lengthened, and signed files with flipped bits.

    python benchmarks/attacks.py --only claims

Each function returns rows (name, before, after, held): `before` is what version 0.1 did.
"""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.attack_rows import Row
from service.examiner.examiner import Examiner
from service.examiner.policy import Outcome, Verdict
from service.installation import open_installation
from service.kit.errors import InputError
from service.kit.settings import Settings
from service.media.pictures import ImageLimits, decode_first
from tests.assets import provenance
from tests.assets.hostile import picture, save

FLIPS = 200
LIMITS = ImageLimits(1 << 20, 1 << 20)


def without_a_credential() -> Iterator[Row]:
    """Files that carry no credential, and are therefore never accused of having been altered."""
    png = save(picture(), "PNG")
    files = {
        "a PNG without its last byte": png[:-1],
        "a PNG without IEND": png[:-12],
        "an AVIF with more bytes behind it": save(picture(), "AVIF") + b"hello world",
    }
    with examiner() as examine:
        for name, data in files.items():
            _, verdict = read(examine, data)
            yield Row(name, "tampered", verdict, verdict != Verdict.TAMPERED)


def flipped_bits() -> list[Row]:
    """Single bits of a signed JPEG, which may be refused or called altered, and never trusted with other pixels."""
    lab = provenance.lab()
    signed = lab.sign(save(picture(size=(96, 64)), "JPEG"), "image/jpeg", provenance.CAMERA)
    rng, altered, wrong = random.Random(1), 0, 0
    with examiner(lab.pem) as examine:
        trusted, _ = read(examine, signed)
        for _ in range(FLIPS):
            at = rng.randrange(len(signed))
            changed = bytearray(signed)
            changed[at] ^= 1 << rng.randrange(8)
            still_trusted, verdict = read(examine, bytes(changed))
            altered += verdict == Verdict.TAMPERED
            wrong += still_trusted and not same_pixels(signed, bytes(changed))
    after = f"{wrong} trusted with other pixels, {altered} tampered"
    return [Row(f"{FLIPS} bits of a signed file, one at a time", "never trusted", after, trusted and not wrong)]


ATTACKS = (without_a_credential, flipped_bits)


@contextmanager
def examiner(root: bytes | None = None) -> Iterator[Examiner]:
    """The examiner of a new installation that trusts this root."""
    with tempfile.TemporaryDirectory() as folder:
        anchors = None
        if root is not None:
            anchors = Path(folder, "root.pem")
            anchors.write_bytes(root)
        home = Path(folder, "home")
        opened = open_installation(Settings(home=home, threads=1, parser_processes=0, trust_anchors=anchors))
        try:
            yield opened.examiner
        finally:
            opened.close()


def read(examine: Examiner, data: bytes) -> tuple[bool, str]:
    """Whether a file passes as signed by somebody trusted, and its verdict or the code of its refusal."""
    try:
        report = examine.examine(data, classify=False)
    except InputError as refused:
        return False, refused.code
    return report.outcome is Outcome.VERIFIED, report.verdict


def same_pixels(one: bytes, other: bytes) -> bool:
    return np.array_equal(decode_first(one, LIMITS).rgb, decode_first(other, LIMITS).rgb)
