"""`countermark generate`: what it writes, what it prints, and what it refuses before a model is loaded."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from service.cli import generate
from service.generation.energy import Meter
from service.generation.queue import Queue
from service.installation import Installation
from tests.support.commands import Run
from tests.support.gateway import Build
from tests.support.painter import Painter


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch, painted_installation: Installation) -> Installation:
    monkeypatch.setattr(generate, "open_installation", lambda settings: painted_installation)
    return painted_installation


def test_the_suffix_names_the_format(run: Run, painted: Installation, tmp_path: Path) -> None:
    for name, kind in (("a.jpg", "JPEG"), ("a.webp", "WEBP"), ("a.png", "PNG")):
        code, out, _ = run("generate", "a lake", "-o", tmp_path / name, "--seed", 5, "--json")
        facts = json.loads(out)
        assert code == 0
        assert facts["seed"] == 5
        assert set(facts["seconds"]) == {"admit", "render", "screen", "mark", "sign", "prove", "issue"}
        with Image.open(tmp_path / name) as image:
            assert image.format == kind


def test_an_image_in_high_quality_is_upscaled(run: Run, painted: Installation, tmp_path: Path) -> None:
    options = ("generate", "a lake", "--quality", "high", "--upscale", "lanczos", "--size", "512x512")
    code, _, err = run(*options, "-o", tmp_path / "a.png")
    assert code == 0
    assert "upscaled (lanczos)" in err
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (512, 512)


@pytest.mark.parametrize("options", [("--quality", "best"), ("--upscale", "magic"), ("--upscale", "lanczos")])
def test_other_qualities_and_methods_are_refused(
    run: Run, painted: Installation, tmp_path: Path, options: tuple[str, str]
) -> None:
    code, _, err = run("generate", "a lake", *options, "-o", tmp_path / "a.png")
    assert code == 2
    assert "bad_request" in err
    assert not (tmp_path / "a.png").exists()


def test_the_time_and_energy_it_took_are_shown(run: Run, painted: Installation, build: Build, tmp_path: Path) -> None:
    for meter, shown in ((Meter(watts=3600), "mWh (model)"), (Meter(), "energy unknown")):
        painted._gateway = build(Queue(Painter(), length=1, max_wait=60, meter=meter))
        code, out, _ = run("generate", "a lake", "-o", tmp_path / "a.png", "--force")
        assert code == 0
        (line,) = [line for line in out.splitlines() if line.startswith("Generation")]
        assert shown in line
    facts = json.loads(run("generate", "a lake", "-o", tmp_path / "a.png", "--force", "--json")[1])
    assert facts["energy"]["watt_hours"] is None


def test_an_existing_file_is_not_overwritten(run: Run, painted: Installation, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"precious")
    code, _, err = run("generate", "a lake", "-o", tmp_path / "a.png")
    assert code == 2
    assert "--force" in err
    assert (tmp_path / "a.png").read_bytes() == b"precious"
    assert run("generate", "a lake", "-o", tmp_path / "a.png", "--force")[0] == 0


def test_a_refusal_writes_no_file(run: Run, painted: Installation, build: Build, tmp_path: Path) -> None:
    from tests.support.painter import Checker, finding

    painted._gateway = build(checkers=[Checker(lambda images: [finding(0.9)])])
    code, out, err = run("generate", "a lake", "-o", tmp_path / "a.png")
    assert code == 6
    assert out == ""
    assert "moderation_blocked" in err
    assert list(tmp_path.glob("*a.png*")) == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("x", "--out", "picture.bmp"), "picture.bmp"),
        (("x", "--out", "no/such/folder/a.png"), "no/such/folder"),
        (("x", "--out", "a.png", "--size", "big"), "big"),
        (("x", "--out", "a.png", "--size", "8x8"), "--size"),
        (("", "--out", "a.png"), "prompt"),
        (("x", "--out", "a.png", "--steps", "0"), "--steps"),
        (("x", "--out", "a.jpg", "--output-compression", "101"), "--output-compression"),
    ],
)
def test_wrong_usage_is_named_before_a_model_is_loaded(
    run: Run, words: tuple[str, ...], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("generate", *words)
    assert (code, out) == (2, "")
    assert named in err
    assert not (tmp_path / "a.png").exists()


def test_an_image_on_standard_output_is_alone_there(
    painted: Installation, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    generate.generate(out="-", size="256x128", force=False, as_json=True, prompt="a lake", seed=5)
    out, err = capfdbinary.readouterr()
    assert Image.open(io.BytesIO(out)).size == (256, 128)
    assert json.loads(err.splitlines()[-1])["seed"] == 5


@pytest.mark.parametrize(
    ("energy", "text"),
    [((1.25, None, "unknown"), "1.2 s, energy unknown"), ((2.0, 0.0012345, "nvml"), "2.0 s, 1.23 mWh (nvml)")],
)
def test_energy_is_given_in_milliwatt_hours(energy: tuple[float, float | None, str], text: str) -> None:
    assert generate._cost(*energy) == text


@pytest.mark.parametrize(("size", "sides"), [(None, (None, None)), ("512x256", (512, 256)), ("8X8", (8, 8))])
def test_a_size_is_width_by_height(size: str | None, sides: tuple[int | None, int | None]) -> None:
    assert generate._parse_size(size) == sides
