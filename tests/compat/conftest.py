"""One application for all tests here: a painter that has one size, as the embedded model has, and scripted checks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from detectors.prompts import RuleHit
from service.api import create_app
from service.gateway.content_checks import ContentChecks
from service.generation import Job, OnStep
from service.installation import Installation, open_installation
from service.kit.settings import Settings
from service.likeness.checks import Likeness
from tests.conftest import PROVIDER
from tests.support import disk
from tests.support.gateway import builder
from tests.support.painter import Checker, Painter, finding
from tests.support.people import ByColour
from tests.support.prompts import Screen, evidence

REFUSED, UNSAFE_SEED = "forbidden", 666
"""A word that the prompt screen refuses, and a seed whose image is unsafe."""


class OneSize(Painter):
    """Has its own size only."""

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        return self.default_size

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        drawn = super().render(job, on_step)
        return np.zeros_like(drawn) if job.seed == UNSAFE_SEED else drawn


class Checks:
    """A prompt screen and a safety checker: what holds REFUSED is refused, and so is a dark image."""

    prompts = Screen(lambda prompt: evidence((_hit(),)) if REFUSED in prompt else evidence())
    checker = Checker(lambda images: [finding(0.9 if image.mean() < 20 else 0.01) for image in images])


def _hit() -> RuleHit:
    return RuleHit("test.sexual", "sexual", "refuse", 0, 1)


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory, home_template: Path) -> Iterator[Installation]:
    settings = Settings(
        home=tmp_path_factory.mktemp("compat") / "home",
        threads=1,
        parser_processes=0,
        provider=PROVIDER,
        a1111_routes=True,
    )
    disk.copy_home(home_template, settings)
    opened = open_installation(settings)
    likeness = Likeness(opened.consent, ByColour, 0.5, "default")
    opened._gateway = builder(opened)(OneSize(), [Checks.checker], prompts=Checks.prompts, likeness=likeness)
    opened._content_checks = ContentChecks(Checks.prompts, [Checks.checker], 0.5, 30)
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def client(installation: Installation) -> TestClient:
    return TestClient(create_app(installation), raise_server_exceptions=False)
