import json

import pytest
from typer.testing import CliRunner

from service.cli.app import app
from service.installation import Installation
from service.kit.errors import BadRequest
from service.kit.settings import PREFIX

runner = CliRunner()


def test_setting_listing_and_removing(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "WEBHOOK_PRIVATE_ADDRESSES", "true")
    made = runner.invoke(app, ["webhooks", "set", "http://127.0.0.1:9/hook"])
    assert made.stdout.startswith("whsec_")
    assert "only once" in made.stderr
    told = json.loads(runner.invoke(app, ["webhooks", "list", "--json"]).stdout)
    assert (told["tenant"], told["url"]) == ("", "http://127.0.0.1:9/hook")
    assert "(installation)" in runner.invoke(app, ["webhooks", "list"]).stdout
    assert json.loads(runner.invoke(app, ["webhooks", "set", "http://127.0.0.1:9/", "--json"]).stdout)["secret"]
    assert runner.invoke(app, ["webhooks", "remove"]).stdout == "The webhook is removed.\n"
    assert runner.invoke(app, ["webhooks", "list", "--json"]).stdout == ""


def test_only_to_public_addresses() -> None:
    done = runner.invoke(app, ["webhooks", "set", "https://127.0.0.1/"])
    assert isinstance(done.exception, BadRequest)
