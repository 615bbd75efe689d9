from pathlib import Path

import pytest

from service.kit.errors import Misconfigured
from service.kit.settings import PREFIX, Settings, load_settings

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
    "home": ("/tmp/x", Path("/tmp/x")),
    "database_url": ("sqlite://", "sqlite://"),
    "provider": ("Acme", "Acme"),
    "pipeline": ("/models/sd", "/models/sd"),
    "allow_hub": ("true", True),
    "block_at_receipt": ("false", False),
    "device": ("cuda", "cuda"),
    "precision": ("float16", "float16"),
    "reference_adapter": ("/r", Path("/r")),
    "offload": ("model", "model"),
    "threads": ("2", 2),
    "safe_retries": ("1", 1),
    "grantee": ("studio", "studio"),
    "likeness_review_distance": ("0.45", 0.45),
    "self_enrolment": ("true", True),
    "examiner_needs_key": ("true", True),
    "keep_held_days": ("7", 7),
    "onnx_providers": ("CUDAExecutionProvider,CPUExecutionProvider", ("CUDAExecutionProvider", "CPUExecutionProvider")),
    "max_images": ("2", 2),
    "safety_threshold": ("0.3", 0.3),
    "prompt_rules": ("/a.toml, b.toml", (Path("/a.toml"), Path("b.toml"))),
    "screen_timeout": ("5", 5.0),
    "render_timeout": ("5", 5.0),
    "finish_timeout": ("5", 5.0),
    "decode_timeout": ("5", 5.0),
    "queue_length": ("2", 2),
    "queue_timeout": ("5", 5.0),
    "batch_size": ("4", 4),
    "watts": ("9.5", 9.5),
    "energy_in_manifest": ("true", True),
    "mark_keys": ("/k", Path("/k")),
    "mark_pool": ("8", 8),
    "foreign_marks": ("false", False),
    "foreign_messages": ("/m.toml", Path("/m.toml")),
    "signing_algorithm": ("es384", "es384"),
    "trust_anchors": ("/x.pem", Path("/x.pem")),
    "threshold_fpr": ("0.01", 0.01),
    "thresholds": ("/t.json", Path("/t.json")),
    "max_bytes": ("5000", 5000),
    "max_pixels": ("5000", 5000),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("9000", 9000),
    "requests_per_minute": ("0", 0),
    "log_level": ("debug", "debug"),
}


@pytest.mark.parametrize("name", VALUES)
def test_it_is_read_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = VALUES[name]
    monkeypatch.setenv(PREFIX + name.upper(), text)
    assert getattr(load_settings(), name) == value


def test_secrets_and_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "MARK_SECRET", "0123456789abcdef")
    monkeypatch.setenv(PREFIX + "SIGNING_CERTIFICATES", "/c.pem")
    monkeypatch.setenv(PREFIX + "SIGNING_KEY", "/k.pem")
    settings = load_settings()
    assert settings.mark_secret is not None
    assert "0123456789abcdef" not in repr(settings) + str(settings)
    assert settings.signing_key == Path("/k.pem")
    assert set(VALUES) | {"mark_secret", "signing_certificates", "signing_key"} == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SAFETY_THRESHOLD", "0.9"),  # laxer than allowed
        ("SAFETY_THRESHOLD", "0"),
        ("SAFETY_THRESHOLD", "nan"),
        ("THREADS", "many"),
        ("PRECISION", "int8"),
        ("PORT", "70000"),
        ("QUEUE_LENGTH", "0"),
        ("QUEUE_TIMEOUT", "0"),
        ("BATCH_SIZE", "17"),
        ("WATTS", "inf"),
        ("PROVIDER", ""),
        ("LOG_LEVEL", "loud"),
        ("MARK_SECRET", "short"),
        ("MARK_SECRET", "sixteen bytes and a blank "),
        ("MARK_SECRET", "\tsixteen bytes after a tab"),
        ("SIGNING_KEY", "/alone.pem"),
        ("NO_SUCH_SETTING", "x"),
    ],
)
def test_wrong_values_are_named_and_not_repeated(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + name, text)
    with pytest.raises(Misconfigured) as caught:
        load_settings()
    if name not in ("MARK_SECRET", "SIGNING_KEY"):
        assert PREFIX + name in caught.value.message
    assert "/alone.pem" not in caught.value.message


def test_settings_cannot_change(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.safety_threshold = 0.8  # type: ignore[misc]
