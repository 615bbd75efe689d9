import re

from fastapi.testclient import TestClient

from service.installation import Installation
from service.web import create_app
from service.web.assets import addresses


def test_a_page_loads_them_from_here(client: TestClient) -> None:
    page = client.get("/").text
    loaded = re.findall(r'<(?:link|script)[^>]*(?:src|href)="([^"]+)"', page)
    assert sorted(loaded) == sorted(addresses().values())
    for address in loaded:
        response = client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert not re.search(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z]", response.text.replace("// ", ""))


def test_there_are_no_others(client: TestClient) -> None:
    name, address = next(iter(addresses().items()))
    for wrong in (f"/pages/000000000000/{name}", f"{address}x", "/pages/000000000000/..%2fapp.py"):
        assert client.get(wrong).status_code == 404


def test_behind_a_prefix_they_have_the_prefix(installation: Installation) -> None:
    client = TestClient(create_app(installation), root_path="/images")
    page = client.get("/images/").text
    assert all(f'"/images{address}"' in page for address in addresses().values())
    assert 'action="/images/"' in page
