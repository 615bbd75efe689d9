"""What `deploy/` says of metrics names metrics that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.core import Metric

from service.api.metrics import InstallationCollector
from service.installation import Installation
from service.kit.metrics import REGISTRY

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


@pytest.fixture
def names(installation: Installation) -> set[str]:
    """Every name of a sample that Prometheus can store."""
    families: list[Metric] = [*REGISTRY.collect(), *InstallationCollector(installation).collect()]
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "gauge": [""], "info": ["_info"]}
    return {family.name + suffix for family in families for suffix in suffixes[family.type]}


def used(text: str) -> set[str]:
    return set(re.findall(r"countermark_\w+", text))


def test_alerts_ask_for_metrics_that_there_are(names: set[str]) -> None:
    expressions = re.findall(r"expr: (.*)", (FOLDER / "rules.yaml").read_text())
    assert len(expressions) >= 8
    assert used(" ".join(expressions)) <= names


def test_the_dashboard_asks_for_metrics_that_there_are(names: set[str]) -> None:
    panels: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    asked = used(" ".join(target["expr"] for panel in panels for target in panel["targets"]))
    assert asked <= names
    assert asked >= {"countermark_ready", "countermark_stage_seconds_bucket", "countermark_examinations_total"}
