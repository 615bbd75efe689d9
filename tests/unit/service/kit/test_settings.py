import os
from pathlib import Path

import pytest

from service.kit.errors import Misconfigured
from service.kit.settings import PREFIX, RENAMED, Settings, load_settings

DOCS = (Path(__file__).parents[4] / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert f"`{PREFIX}{name.upper()}`" in DOCS
    assert field.description in DOCS


def test_nothing_else_is_documented() -> None:
    documented = {line.split("`")[1] for line in DOCS.splitlines() if line.startswith(f"| `{PREFIX}")}
    assert documented == {PREFIX + name.upper() for name in Settings.model_fields}


VALUES = {
    "fetch_urls": ("true", True),
    "score_retention_days": ("90", 90),
    "shadow_card": ("synthetic-next", "synthetic-next"),
    "shadow_share": ("0.5", 0.5),
    "metrics_host": ("10.0.0.1", "10.0.0.1"),
    "traces_endpoint": ("http://collector:4318", "http://collector:4318"),
    "metrics_port": ("9100", 9100),
    "credential_thumbnail": ("256", 256),
    "a1111_routes": ("true", True),
    "model_aliases": ("gpt-image-1=scenes-256, dall-e-2", ("gpt-image-1=scenes-256", "dall-e-2")),
    "home": ("/tmp/x", Path("/tmp/x")),
    "allowed_hosts": ("images.example.com, *.example.org", ("images.example.com", "*.example.org")),
    "trusted_proxies": ("10.0.0.0/8,::1", ("10.0.0.0/8", "::1/128")),
    "cors_origins": ("https://example.com", ("https://example.com",)),
    "max_connections": ("50", 50),
    "connections_per_address": ("5", 5),
    "header_timeout": ("1.5", 1.5),
    "body_timeout": ("60", 60.0),
    "min_rate": ("0", 0),
    "idle_timeout": ("75", 75.0),
    "body_memory": ("1000000", 1_000_000),
    "body_disk": ("0", 0),
    "examination_queue": ("3", 3),
    "shutdown_timeout": ("9", 9.0),
    "database_url": ("sqlite://", "sqlite://"),
    "provider": ("Acme", "Acme"),
    "checkpoint_sinks": ("file:/c, syslog:", ("file:/c", "syslog:")),
    "required_checkpoint_sinks": ("file:/c", ("file:/c",)),
    "checkpoint_seconds": ("5", 5.0),
    "checkpoint_timeout": ("2", 2.0),
    "log_origin": ("example.com/log", "example.com/log"),
    "pipeline": ("/models/sd", "/models/sd"),
    "allow_hub": ("true", True),
    "block_on_notice": ("false", False),
    "device": ("cuda", "cuda"),
    "precision": ("float16", "float16"),
    "reference_adapter": ("/r", Path("/r")),
    "offload": ("model", "model"),
    "threads": ("2", 2),
    "steering_retries": ("1", 1),
    "labels": ("eu-ai-act-50, ca-sb942", ("eu-ai-act-50", "ca-sb942")),
    "visible_label": ("true", True),
    "label_language": ("zh", "zh"),
    "label_position": ("top-left", "top-left"),
    "label_producer": ("001191110000000000000000000", "001191110000000000000000000"),
    "grantee": ("studio", "studio"),
    "face_model": ("dlib", "dlib"),
    "likeness_review_distance": ("0.45", 0.45),
    "pages": ("false", False),
    "public_verification": ("true", True),
    "self_enrolment": ("true", True),
    "examiner_needs_key": ("true", True),
    "held_retention_days": ("7", 7),
    "onnx_providers": ("CUDAExecutionProvider,CPUExecutionProvider", ("CUDAExecutionProvider", "CPUExecutionProvider")),
    "max_images": ("2", 2),
    "min_edit_area": ("0.05", 0.05),
    "quarantine_days": ("3", 3),
    "quarantine_limit": ("20", 20),
    "quarantine_per_address": ("2", 2),
    "safety_threshold": ("0.3", 0.3),
    "prompt_rules": ("/a.toml, b.toml", (Path("/a.toml"), Path("b.toml"))),
    "screen_timeout": ("5", 5.0),
    "render_timeout": ("5", 5.0),
    "finish_timeout": ("5", 5.0),
    "decode_timeout": ("5", 5.0),
    "parser_processes": ("0", 0),
    "parser_memory": ("100000000", 100_000_000),
    "queue_length": ("2", 2),
    "queue_timeout": ("5", 5.0),
    "batch_size": ("4", 4),
    "watts_per_core": ("9.5", 9.5),
    "energy_in_manifest": ("true", True),
    "watermark_secrets_file": ("/k", Path("/k")),
    "watermark_key_pool": ("8", 8),
    "public_examinations": ("5", 5),
    "watermark_search": ("thorough", "thorough"),
    "foreign_watermarks": ("false", False),
    "foreign_watermarks_file": ("/m.toml", Path("/m.toml")),
    "signing_algorithm": ("es384", "es384"),
    "trust_anchors": ("/x.pem", Path("/x.pem")),
    "signing_pkcs12": ("/x.p12", Path("/x.p12")),
    "signing_password_file": ("/x.txt", Path("/x.txt")),
    "signing_pkcs11_token": ("hsm", "hsm"),
    "signing_pkcs11_key": ("claims", "claims"),
    "timestamp_url": ("http://tsa.example/tsr", "http://tsa.example/tsr"),
    "timestamp_timeout": ("2.5", 2.5),
    "trust_lists": ("/trust.toml", Path("/trust.toml")),
    "threshold_fpr": ("0.01", 0.01),
    "thresholds_file": ("/t.json", Path("/t.json")),
    "max_bytes": ("5000", 5000),
    "max_pixels": ("5000", 5000),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("9000", 9000),
    "requests_per_minute": ("0", 0),
    "idempotency_hours": ("48", 48.0),
    "work_lease": ("5", 5.0),
    "job_workers": ("0", 0),
    "job_queue": ("10", 10),
    "job_retention_hours": ("1.5", 1.5),
    "batch_bytes": ("4096", 4096),
    "webhook_private_addresses": ("true", True),
    "log_level": ("debug", "debug"),
}


@pytest.mark.parametrize("name", VALUES)
def test_it_is_read_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = VALUES[name]
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert getattr(load_settings(), name) == value


def test_secrets_and_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "WATERMARK_SECRET", "0123456789abcdef")
    monkeypatch.setenv(PREFIX + "SIGNING_CERTIFICATES", "/c.pem")
    monkeypatch.setenv(PREFIX + "SIGNING_KEY", "/k.pem")
    settings = load_settings()
    assert settings.watermark_secret is not None
    assert "0123456789abcdef" not in repr(settings) + str(settings)
    assert settings.signing_key == Path("/k.pem")
    together = {
        "watermark_secret",
        "signing_certificates",
        "signing_key",
        "signing_pkcs11_module",
        "signing_plugin",
        "timestamp_required",
    }
    assert set(VALUES) | together == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MODEL_ALIASES", "gpt image"),
        ("MODEL_ALIASES", "a=b=c"),
        ("SAFETY_THRESHOLD", "0.9"),  # laxer than allowed
        ("SAFETY_THRESHOLD", "0"),
        ("SAFETY_THRESHOLD", "nan"),
        ("THREADS", "many"),
        ("PRECISION", "int8"),
        ("PORT", "70000"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("HEADER_TIMEOUT", "0"),
        ("QUEUE_LENGTH", "0"),
        ("QUEUE_TIMEOUT", "0"),
        ("BATCH_SIZE", "17"),
        ("WATTS_PER_CORE", "inf"),
        ("PROVIDER", ""),
        ("LOG_LEVEL", "loud"),
        ("WATERMARK_SECRET", "short"),
        ("WATERMARK_SECRET", "sixteen bytes and a blank "),
        ("WATERMARK_SECRET", "\tsixteen bytes after a tab"),
        ("SIGNING_KEY", "/alone.pem"),
        ("NO_SUCH_SETTING", "x"),
    ],
)
def test_wrong_values_are_named_and_not_repeated(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + name, text)
    with pytest.raises(Misconfigured) as caught:
        load_settings()
    if name not in ("WATERMARK_SECRET", "SIGNING_KEY"):
        assert PREFIX + name in caught.value.message
    assert "/alone.pem" not in caught.value.message


def test_settings_cannot_change(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.safety_threshold = 0.8  # type: ignore[misc]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_works_for_one_version_and_warns(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    text, value = {**VALUES, "watermark_secret": ("s" * 16, None)}[new.lower()]
    monkeypatch.setenv(PREFIX + old, text)
    with pytest.warns(FutureWarning, match=f"{PREFIX}{old} is now {PREFIX}{new}"):
        found = getattr(load_settings(), new.lower())
    assert found.get_secret_value() == text if value is None else found == value


def test_old_and_new_name_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WATTS", "WATTS_PER_CORE"):
        monkeypatch.setenv(PREFIX + name, "5")
    with pytest.raises(Misconfigured, match="both set"):
        load_settings()


def test_no_new_name_is_an_old_one() -> None:
    assert not set(RENAMED) & {name.upper() for name in Settings.model_fields}
    assert set(RENAMED.values()) <= {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(("text", "networks"), [("10.0.0.1", ("10.0.0.1/32",)), ("*", ("0.0.0.0/0", "::/0"))])
def test_uvicorns_own_variable_still_names_the_proxies(
    text: str, networks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", text)
    with pytest.warns(FutureWarning, match="FORWARDED_ALLOW_IPS is now COUNTERMARK_TRUSTED_PROXIES"):
        assert load_settings().trusted_proxies == networks
    monkeypatch.setenv("COUNTERMARK_TRUSTED_PROXIES", "192.0.2.1")
    assert load_settings().trusted_proxies == ("192.0.2.1/32",)


def test_secrets_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process starts from then on inherits none; the settings have them."""
    import subprocess
    import sys

    from service.kit.settings import SECRETS, forget_secrets

    monkeypatch.setenv(PREFIX + "WATERMARK_SECRET", "a secret of the operator")
    monkeypatch.setenv(PREFIX + "DATABASE_URL", "postgresql+pg8000://u:password@db/x")
    settings = load_settings()
    forget_secrets()
    printed = subprocess.run(
        [sys.executable, "-c", "import os; print(os.environ)"], capture_output=True, text=True, check=True
    )
    assert "a secret of the operator" not in printed.stdout
    assert "password@db" not in printed.stdout
    assert not any(PREFIX + name in os.environ for name in SECRETS)
    assert settings.watermark_secret is not None
