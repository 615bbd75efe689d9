"""An installation opens its parts once, and loads no model before one is needed."""

import hashlib
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from models import ModelError, ModelMissing
from service import installation as module
from service.installation import Installation, open_installation
from service.kit import home
from service.kit.errors import Misconfigured, Unavailable
from service.kit.settings import Settings
from service.media.isolation.parsers import Parsed
from tests.assets import provenance
from tests.assets.hostile import picture, save
from tests.support.statements import STATEMENT
from watermark.c2pa.credentials import Credentials
from watermark.c2pa.manifest import InputSource


def failing(error: Exception) -> Any:
    def fail(*_args: object, **_more: object) -> None:
        raise error

    return fail


def counting(result: object) -> Any:
    """Gives `result`, and counts in `calls` how often."""

    def call(*_args: object, **_more: object) -> object:
        call.calls += 1  # type: ignore[attr-defined]
        return result

    call.calls = 0  # type: ignore[attr-defined]
    return call


def test_opening_loads_no_model(installation: Installation) -> None:
    assert not installation.generates
    assert installation._classifier is None
    assert (installation.settings.home / home.LEDGER_FILE).is_file()


def test_another_database_is_opened_where_the_settings_name_one(settings: Settings) -> None:
    url = f"sqlite:///{settings.home.parent / 'elsewhere.db'}"
    opened = open_installation(settings.model_copy(update={"database_url": url}))
    opened.close()
    assert (settings.home.parent / "elsewhere.db").is_file()
    assert not (settings.home / home.LEDGER_FILE).exists()


def test_keys_are_made_once(settings: Settings) -> None:
    first, second = (open_installation(settings) for _ in range(2))
    issued = first.consent.grants.signer
    assert second.consent.grants.signer.public_jwk == issued.public_jwk
    for opened in (first, second):
        opened.close()


def test_the_gateway_is_opened_once(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = counting(object())
    monkeypatch.setattr(Installation, "_open_gateway", opened)
    assert installation.gateway is installation.gateway
    assert opened.calls == 1
    assert installation.generates


def test_the_classifiers_are_opened_once(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = counting(object())
    monkeypatch.setattr(module, "open_classifier", opened)
    assert installation.classifier is installation.classifier
    assert opened.calls == 1


def test_a_gateway_that_failed_to_open_is_tried_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Installation, "_open_gateway", failing(Unavailable("no weights")))
        with pytest.raises(Unavailable):
            _ = installation.gateway
    monkeypatch.setattr(Installation, "_open_gateway", counting(object()))
    assert installation.gateway


@pytest.mark.parametrize("part", ["open_screen", "open_checkers"])
def test_no_pipeline_is_loaded_before_its_checks(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    loaded = counting(None)
    monkeypatch.setattr(module, "open_screen", counting(None))
    monkeypatch.setattr(module, "open_checkers", counting([]))
    monkeypatch.setattr(module, part, failing(Unavailable("not proven")))
    monkeypatch.setattr(module, "load_backend", loaded)
    with pytest.raises(Unavailable, match="not proven"):
        _ = installation.gateway
    assert loaded.calls == 0


@pytest.mark.parametrize(
    ("fault", "error"), [(ModelError("an altered file"), Unavailable), (Misconfigured("no folder"), Misconfigured)]
)
def test_a_pipeline_that_cannot_be_loaded(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, fault: Exception, error: type[Exception]
) -> None:
    monkeypatch.setattr(module, "open_screen", counting(None))
    monkeypatch.setattr(module, "open_checkers", counting([]))
    monkeypatch.setattr(module, "load_backend", failing(fault))
    with pytest.raises(error, match=str(fault)):
        _ = installation.gateway


def test_without_the_model_of_prompts_there_is_no_gateway(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.gateway.assembly.PromptScreen", failing(ModelMissing("no weights")))
    with pytest.raises(Unavailable, match="no weights"):
        _ = installation.gateway


def test_a_closed_ledger_is_opened_by_nobody_else(settings: Settings) -> None:
    opened = open_installation(settings)
    opened.close()
    again = open_installation(settings)
    assert again.ledger.verify().problems == ()
    again.close()


def test_checkpoints_go_where_the_settings_say(settings: Settings) -> None:
    file = settings.home.parent / "checkpoints"
    changes = {"required_checkpoint_sinks": (f"file:{file}",), "log_origin": "example.com/log"}
    opened = open_installation(settings.model_copy(update=changes))
    opened.publisher.check()
    assert "example.com/log" in file.read_text()
    opened.close()
    with pytest.raises(Misconfigured, match="checkpoint sink"):
        open_installation(settings.model_copy(update={"checkpoint_sinks": ("ftp://elsewhere",)}))


def test_credentials_of_input_images_are_read_where_files_are_parsed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, asked = list[object](), list[str]()
    run = installation.limits.parsers.run

    def noted(parser: str, *parts: Any, **options: Any) -> Parsed:
        asked.append(parser)
        return run(parser, *parts, **options)

    for part in ("open_screen", "open_queue", "load_backend"):
        monkeypatch.setattr(f"service.installation.{part}", Mock())
    for part in ("open_checkers", "open_folder_checker"):
        monkeypatch.setattr(f"service.installation.{part}", lambda *_: [])
    monkeypatch.setattr("service.installation.build_gateway", lambda *parts: given.extend(parts))
    assert installation.gateway is None
    (credentials,) = [each for each in given if isinstance(each, Credentials)]
    monkeypatch.setattr(installation.limits.parsers, "run", noted)
    photograph = provenance.camera()
    digest = hashlib.sha256(photograph).hexdigest()
    statement = replace(STATEMENT, sources=(InputSource("image", "image/jpeg", digest),))
    signed = credentials.sign(save(picture(), "PNG"), "image/png", statement, {digest: photograph})
    assert asked == ["credential_labels", "credential_embed"]
    assert len(credentials.read(signed.data, "image/png").manifests) == 1
