"""The demo's page: every file has its scene, its report and its pictures, and nothing is fetched from elsewhere."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.demo_page import CHANGED_PIXEL, STORIES, write_page
from service.examiner.policy import EXIT_CODES
from service.examiner.report import Report
from tests.support.evidence import Evidence
from watermark.c2pa.credential import Credential
from watermark.c2pa.status import Integrity


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "home"))
    for name in STORIES:
        Image.fromarray(np.full((256, 256, 3), 90, np.uint8)).save(tmp_path / name)
    return tmp_path


def reports(out: Path) -> list[Report]:
    report = Evidence(Credential(Integrity.ABSENT)).report()
    return [report.model_copy(update={"file": str(out / name)}) for name in STORIES]


def test_every_file_has_a_scene_and_a_page_of_its_own(out: Path) -> None:
    found = reports(out)
    write_page(out, "a <b>red</b> umbrella", found)
    text = (out / "index.html").read_text()
    assert text.count('<article class="scene') == len(STORIES)
    assert "a &lt;b&gt;red" in text
    for link in re.findall(r'href="([^"]+)"', text):
        assert (out / link).is_file()
    for source in re.findall(r'<img src="([^"]+)"', text):
        assert source.startswith("data:image/png;base64,") or (out / source).is_file()
    assert text.count(f"ends with {EXIT_CODES[found[0].outcome]}") == len(STORIES)
    assert not re.search(r"https?://", text)


def test_the_changed_pixel_has_a_ring(out: Path) -> None:
    write_page(out, "a red umbrella", reports(out))
    column, row = CHANGED_PIXEL
    rings = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', (out / "index.html").read_text())
    assert set(rings) == {(f"{column + 0.5}", f"{row + 0.5}")}
