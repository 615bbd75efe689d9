import base64
import hashlib
import re

from fastapi.testclient import TestClient

from service.api import create_app
from service.installation import Installation


def test_the_page_loads_its_assets_from_here(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 3
    assert all(address.startswith("/docs/assets/") for address in loaded)
    assert all(client.get(address).status_code == 200 for address in loaded)
    assert "/openapi.json" in page.text
    assert "https://" not in page.text


def test_behind_a_prefix_it_uses_the_prefix(installation: Installation) -> None:
    client = TestClient(create_app(installation), root_path="/images")
    page = client.get("/images/docs").text
    assert "/images/docs/assets/swagger-ui-bundle.js" in page
    assert "/images/openapi.json" in page


def test_it_is_not_in_the_document(installation: Installation) -> None:
    assert not [path for path in create_app(installation).openapi()["paths"] if path.startswith("/docs")]


def test_its_policy_allows_its_own_script_and_no_other(client: TestClient) -> None:
    page = client.get("/docs")
    policy = page.headers["content-security-policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert re.findall(r"\bon\w+=", page.text) == []  # no handlers in attributes, which no hash allows
