"""What `deploy/` says: metrics and settings that there are, a chart that renders, a unit that systemd understands."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric

from service.api.metrics import InstallationCollector
from service.installation import Installation
from service.kit.metrics import REGISTRY
from service.kit.settings import PREFIX, Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FOLDER = DEPLOY / "prometheus"
CHART = DEPLOY / "helm" / "countermark"
REQUIRED: dict[str, Any] = {
    "image": {"repository": "registry.example.com/countermark"},
    "settings": {"PROVIDER": "Example Ltd", "ALLOWED_HOSTS": "images.example.com"},
}
FULL: dict[str, Any] = {
    **REQUIRED,
    "secretName": "countermark-secrets",
    "workers": 4,
    "metrics": {"serviceMonitor": True, "from": [{"namespaceSelector": {}}]},
    "ingress": {"enabled": True, "host": "images.example.com", "tlsSecret": "tls", "className": "nginx"},
    "storage": {"existingClaim": "mine"},
}


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


def test_every_setting_in_a_file_of_deploy_is_one() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {(path.name, name) for path in files for name in re.findall(rf"{PREFIX}([A-Z][A-Z_]+)", path.read_text())}
    known = {name.upper() for name in Settings.model_fields}
    assert {(file, name) for file, name in named if name not in known | {"NAME"}} == set()
    assert len(named) >= 8


def rendered(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What Helm makes of the chart, by kind. Helm itself is in the wheel of `helm-python-sdk`."""
    helm = pytest.importorskip("helm_python", reason="NOT TESTED: the chart, without `pip install helm-python-sdk`")
    chart = helm.Chart.load(CHART)
    chart.validate_schema(dict(values))
    texts = chart.render(dict(values), name="images", namespace="default").items()
    found = [one for name, text in texts if name.endswith(".yaml") for one in yaml.safe_load_all(text) if one]
    assert len({one["kind"] for one in found}) == len(found)
    return {one["kind"]: one for one in found}


def containers(kinds: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    yield from (*pod["initContainers"], *pod["containers"])


@pytest.mark.parametrize("values", [REQUIRED, FULL])
def test_the_chart_has_no_faults(values: dict[str, Any]) -> None:
    helm = pytest.importorskip("helm_python", reason="NOT TESTED: the chart, without `pip install helm-python-sdk`")
    report = helm.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [told for told in report["messages"] if told["severity"] > 1] == []


@pytest.mark.parametrize("values", [REQUIRED, FULL])
def test_a_pod_of_the_chart_can_do_little(values: dict[str, Any]) -> None:
    kinds = rendered(values)
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    assert kinds["Deployment"]["spec"]["replicas"] == 1
    assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["terminationGracePeriodSeconds"] >= 30
    for container in containers(kinds):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_parts_of_the_chart_name_each_other() -> None:
    kinds = rendered(FULL)
    labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        kinds["Service"]["spec"]["selector"],
        kinds["Deployment"]["spec"]["selector"]["matchLabels"],
        kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    ports = {port["name"] for container in containers(kinds) for port in container.get("ports", ())}
    assert {port["targetPort"] for port in kinds["Service"]["spec"]["ports"]} <= ports
    backend = kinds["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
    assert backend == kinds["Service"]["metadata"]["name"]
    for container in containers(kinds):
        assert container["envFrom"] == [
            {"configMapRef": {"name": kinds["ConfigMap"]["metadata"]["name"]}},
            {"secretRef": {"name": "countermark-secrets"}},
        ]
    data = [volume for volume in kinds["Deployment"]["spec"]["template"]["spec"]["volumes"] if volume["name"] == "data"]
    assert data[0]["persistentVolumeClaim"] == {"claimName": "mine"}
    assert "PersistentVolumeClaim" not in kinds


def test_metrics_are_for_those_who_are_named() -> None:
    by_default = rendered(REQUIRED)["NetworkPolicy"]["spec"]["ingress"]
    assert by_default == [{"ports": [{"port": "http"}]}]
    assert rendered(FULL)["NetworkPolicy"]["spec"]["ingress"][1]["from"] == [{"namespaceSelector": {}}]


def test_uninstalling_keeps_the_keys() -> None:
    claim = rendered(REQUIRED)["PersistentVolumeClaim"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    "wrong",
    [
        {"image": {"repository": "x"}, "settings": {"PROVIDER": "Example Ltd"}},
        {**REQUIRED, "image": {"repository": ""}},
        {**REQUIRED, "image": {"repository": "x", "digest": "sha256:12"}},
        {**REQUIRED, "settings": {**REQUIRED["settings"], "DATABASE_URL": "postgresql://user:password@host/x"}},
        {**REQUIRED, "worker": 2},
        {**REQUIRED, "ingress": {"enabled": True, "host": "images.example.com"}},
    ],
)
def test_values_that_are_wrong_are_refused(wrong: dict[str, Any]) -> None:
    """Among them: no TLS, and a password among the settings, where everybody can read it."""
    helm = pytest.importorskip("helm_python", reason="NOT TESTED: the chart, without `pip install helm-python-sdk`")
    with pytest.raises(helm.HelmError):
        rendered(wrong)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NOT TESTED: there is no systemd-analyze")
    unit = tmp_path / "countermark.service"
    text = (DEPLOY / "systemd" / "countermark.service").read_text()
    assert "ExecStart=/opt/countermark/bin/countermark serve" in text
    unit.write_text(text.replace("/opt/countermark/bin/countermark", "/bin/true"))  # it has to exist
    done = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "countermark.service" in line]
    assert (done.returncode, told) == (0, [])


def test_compose_files_mount_files_that_there_are() -> None:
    for name in ("compose.yaml", "compose.postgresql.yaml"):
        found = yaml.safe_load((DEPLOY / name).read_text())
        mounts = [each for service in found["services"].values() for each in service.get("volumes", ())]
        sources = [mount.split(":")[0] for mount in mounts]
        assert all((DEPLOY / source).is_file() for source in sources if source.startswith("."))
        assert {source for source in sources if not source.startswith(".")} <= set(found["volumes"])
        networks = {network for service in found["services"].values() for network in service["networks"]}
        assert networks <= set(found["networks"]) | {"front"}


def test_prometheus_asks_the_port_that_compose_opens_under_the_name_of_the_alerts() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
    server = yaml.safe_load((DEPLOY / "compose.postgresql.yaml").read_text())["services"]["countermark"]
    assert job["static_configs"][0]["targets"] == [f"countermark:{server['environment']['COUNTERMARK_METRICS_PORT']}"]
    assert f'up{{job="{job["job_name"]}"}}' in (FOLDER / "rules.yaml").read_text()
