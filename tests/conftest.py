"""Shared fixtures: every test has its own home folder, and none reads the caller's settings."""

import functools
import gc
import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from detectors import DlibFaces, OpenNsfw
from service.gateway.pipeline import Gateway
from service.installation import Installation, open_installation
from service.kit import logs
from service.kit.settings import PREFIX, Settings
from service.ledger.ledger import Ledger
from service.likeness.checks import Likeness
from tests.support import disk, openapi, rubric
from tests.support.faces import WITHOUT_FACES
from tests.support.gateway import Build, builder
from tests.support.people import ByColour
from watermark.foreign import protocol

os.environ.setdefault("OMP_NUM_THREADS", "1")
logs.configure("error")

PROVIDER = "Test Installation"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long bytes do not name a test: compressed ones hold the time, and two processes would collect other tests."""
    return argname if isinstance(val, bytes) and len(val) > 32 else None


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _packages_stay() -> Iterator[None]:
    """What is installed does not change: it is listed once, not each time that an installation is opened."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "entry_points", functools.cache(entry_points))
        yield


@pytest.fixture(scope="session", autouse=True)
def _released_files_keep_to_the_rubric() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        rubric.check_released(patch)
        yield


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv(PREFIX + "HOME", str(tmp_path / "home"))
    monkeypatch.setenv(PREFIX + "THREADS", "1")  # a core is for each process that runs tests
    monkeypatch.setenv(PREFIX + "PARSER_PROCESSES", "0")  # tests of the workers start them; the others need not wait


@pytest.fixture(autouse=True)
def _quick_disk(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("durable"):
        yield
        return
    with disk.unsynced():
        yield


@pytest.fixture(scope="session")
def home_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of an installation that nobody has used yet; to be copied."""
    return disk.make_home(tmp_path_factory.mktemp("template") / "home", PROVIDER)


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger (SQLite), to be copied: migrating each one would cost more than most tests."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.db"
    Ledger.open(file).close()
    return file


@pytest.fixture(autouse=True)
def _documented_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every response of the API, in any test, keeps to the OpenAPI document."""
    openapi.check_responses(monkeypatch)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", threads=1, provider=PROVIDER)


@pytest.fixture
def installation(settings: Settings, home_template: Path) -> Iterator[Installation]:
    """An open installation without a gateway."""
    disk.copy_home(home_template, settings)
    opened = open_installation(settings)
    yield opened
    opened.close()


@pytest.fixture
def build(installation: Installation) -> Build:
    """Builds a gateway over `installation`, by default with the painter and checks that find everything safe."""
    return builder(installation)


@pytest.fixture
def gateway(build: Build) -> Gateway:
    return build()


@pytest.fixture
def painted_installation(installation: Installation, gateway: Gateway) -> Installation:
    """An installation whose gateway paints."""
    installation._gateway = gateway
    return installation


@pytest.fixture
def likeness(installation: Installation) -> Likeness:
    """The checks of `installation`, to which a face is a colour."""
    installation.likeness = Likeness(installation.consent, ByColour, 0.5, "default")
    return installation.likeness


@pytest.fixture(scope="session")
def open_nsfw() -> OpenNsfw:
    return OpenNsfw()


@pytest.fixture(scope="session")
def dlib_faces() -> DlibFaces:
    if WITHOUT_FACES:
        pytest.skip(WITHOUT_FACES)
    return DlibFaces()
