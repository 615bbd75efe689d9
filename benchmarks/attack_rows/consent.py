"""Attacks on consent, edits and notices: turned faces, blocked PINs, photographs marked as ours, a flood of notices.

    python benchmarks/attacks.py --only consent

Each function starts an installation of its own in a temporary folder and returns rows (name, before, after, held):
`before` is what version 0.1 did. Needs the extra `faces`.
"""

import base64
import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from skimage import data as photos

from benchmarks.attack_rows import Row
from service.api import create_app
from service.installation import Installation, open_installation
from service.kit.errors import NotFound
from service.kit.settings import Settings
from service.likeness.schemas import Enrolled
from service.media.pictures import encode
from tests.support.gateway import builder
from tests.support.painter import landscape

RGB = NDArray[np.uint8]
WRONG = "0000-0000-0000"
NOTICE = {"signature": "A Stranger", "statement": "Mine.", "good_faith": True, "contact": "stranger@example.org"}


def turned_faces() -> list[Row]:
    """A face that nobody granted, in an image to edit, upright and turned."""
    face = cv2.resize(photos.astronaut()[:300, 80:380], (256, 256), interpolation=cv2.INTER_AREA)
    rows = []
    with installation() as (opened, client):
        opened._gateway = builder(opened)()
        for degrees, before in ((0, "403"), (45, "403"), (90, "200"), (180, "200"), (270, "200")):
            turn = cv2.getRotationMatrix2D((128, 128), degrees, 1)
            turned = cv2.warpAffine(face, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
            answer = client.post("/v1/images/edits", data={"prompt": "x"}, files={"image": png(turned)})
            code = answer.json().get("code", "")
            rows.append(Row(f"face turned {degrees} degrees", before, f"{answer.status_code} {code}", code == REFUSED))
    return rows


REFUSED = "likeness_refused"


def blocked_pins(seconds: float = 12, per_second: float = 3) -> list[Row]:
    """Wrong PINs from one address while the right one comes from another, once a second."""
    with installation() as (opened, owner):
        ann = enrolled(opened)
        guesser = TestClient(owner.app, client=("198.51.100.9", 5))
        path, stop = f"/v1/consent/subjects/{ann.subject}", threading.Event()

        def guess() -> None:
            while not stop.wait(1 / per_second):
                guesser.get(path, headers={"X-Subject-Pin": WRONG})

        thread = threading.Thread(target=guess)
        thread.start()
        codes = []
        for _ in range(round(seconds)):
            codes.append(owner.get(path, headers={"X-Subject-Pin": ann.pin}).status_code)
            stop.wait(1)
        stop.set()
        thread.join()
        passed = codes.count(200)
        name = f"right PIN beside {per_second:g} wrong ones a second"
        return [Row(name, "1 of 12 passed", f"{passed} of {len(codes)} passed", passed == len(codes)), *_cost(opened)]


def _cost(opened: Installation, tries: int = 50) -> list[Row]:
    ann = enrolled(opened)
    start = time.process_time()
    for _ in range(tries):
        with contextlib.suppress(NotFound):
            opened.consent.subjects.check_pin(ann.subject, WRONG)
    each = 1000 * (time.process_time() - start) / tries
    return [Row("CPU time of a wrong PIN", "scrypt of 16 MiB", f"{each:.1f} ms, scrypt of 1 MiB", each < 20)]


def tiny_edits() -> list[Row]:
    """A photograph, edited in 8 x 8 px or hardly at all, to have it signed and marked as generated."""
    photo = landscape(3, 256, 256)
    rows = []
    with installation() as (opened, client):
        opened._gateway = builder(opened)()
        for side, wanted in ((8, "refused"), (64, "edited_here")):
            mask = np.zeros((256, 256, 3), np.uint8)
            mask[:side, :side] = 255
            files = {"image": png(photo), "mask": png(mask)}
            answer = client.post("/v1/images/edits", data={"prompt": "x", "size": "256x256", "seed": "9"}, files=files)
            after = answer.json().get("code", "")
            if answer.status_code == 200:
                image = base64.b64decode(answer.json()["data"][0]["b64_json"])
                edit = answer.json()["countermark"]["images"][0]["edit"]
                verdict = opened.examiner.examine(image, classify=False).verdict
                after = f"{verdict}, {edit['generated']:,} of {edit['pixels']:,} px"
            held = after == "edit_too_small" if wanted == "refused" else after.startswith(wanted)
            rows.append(Row(f"mask of {side} x {side} px", "issued_here, extent not said", after, held))
        verdict = opened.examiner.examine(png(photo), classify=False).verdict
        rows.append(Row("the photograph behind an edit", "likely_synthetic", str(verdict), verdict == "inconclusive"))
    return rows


def flooded_notices(notices: int = 500) -> list[Row]:
    """Anonymous notices from rotating addresses, each about another image."""
    with installation() as (opened, client):
        blocked = 0
        for number in range(notices):
            sender = TestClient(client.app, client=(f"198.51.{number // 250}.{number % 250}", 5))
            answer = sender.post("/v1/takedowns", json={**NOTICE, "sha256": f"{number:064x}"})
            blocked += answer.json().get("blocked", False)
        due = len(list(opened.takedowns.list()))
        limit = opened.settings.quarantine_limit
        return [
            Row(
                f"{notices} anonymous notices from as many addresses",
                f"{notices} blocked for good",
                f"{due} recorded and due, {blocked} in quarantine for {opened.settings.quarantine_days} days",
                blocked <= limit and due == notices,
            )
        ]


ATTACKS: tuple[Callable[[], list[Row]], ...] = (turned_faces, blocked_pins, tiny_edits, flooded_notices)


@contextmanager
def installation() -> Iterator[tuple[Installation, TestClient]]:
    """An installation in a temporary folder, and a client of its API."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_installation(Settings(home=Path(folder), provider="Example Provider"))
        try:
            yield opened, TestClient(create_app(opened), raise_server_exceptions=False)
        finally:
            opened.close()


def enrolled(opened: Installation) -> Enrolled:
    template = np.zeros(128, np.float32)
    return opened.consent.subjects.enrol("Ann Example", [template], "c" * 64)


def png(rgb: RGB) -> bytes:
    return encode(np.ascontiguousarray(rgb), "png")[0]
