from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.api.response_headers import SECURITY_HEADERS
from service.installation import Installation
from service.web import create_app
from service.web.operator_pages import _MODULES
from tests.support.operators import Signed

PAGES = ("", "/jobs", "/held", "/takedowns", "/appeals", "/audit", "/tenants")
FORMS = (
    "/sign-out",
    "/jobs/stop",
    "/held/look",
    "/held/decide",
    "/takedowns/read",
    "/takedowns/decide",
    "/appeals/decide",
    "/tenants/add",
    "/tenants/add-key",
    "/tenants/rotate-key",
    "/tenants/revoke-key",
    "/tenants/remove",
)


def test_these_are_all_pages_and_forms() -> None:
    routes = [route for module in _MODULES for route in module.router.routes if isinstance(route, APIRoute)]
    paths = {(method, route.path.removeprefix("/operator")) for route in routes for method in route.methods or ()}
    assert paths == {*(("GET", page) for page in PAGES), *(("POST", form) for form in (*FORMS, "/sign-in"))}


def test_without_a_session_there_is_only_the_form_to_sign_in(client: TestClient, installation: Installation) -> None:
    before = installation.ledger.verify().decisions
    answers = [client.get(f"/operator{page}") for page in PAGES]
    answers += [client.post(f"/operator{form}", files={"name": (None, "acme")}) for form in FORMS]
    for answer in answers:
        assert (answer.status_code, "Operator: sign in" in answer.text) == (401, True)
        assert "form_token" not in answer.text
    assert installation.ledger.verify().decisions == before


def test_a_form_of_another_page_does_nothing(operator: Signed, installation: Installation) -> None:
    before = installation.ledger.verify().decisions
    fields = {"name": "acme", "sure": "yes", "scope_admin": "yes", "hours": "1"}
    for form in FORMS:
        for token in ("", "0" * 64):
            refused = operator.send(form, token=token, **fields)
            assert (refused.status_code, "not from a page of this session" in refused.text) == (400, True), form
        other = operator.client.post(
            f"/operator{form}", files={"name": (None, "acme")}, headers={"sec-fetch-site": "cross-site"}
        )
        assert other.status_code == 400, form
    assert installation.ledger.verify().decisions == before
    assert operator.open()  # still signed in


def test_every_page_keeps_browsers_from_what_it_does_not_need(operator: Signed) -> None:
    for path in PAGES:
        page = operator.client.get(f"/operator{path}")
        assert {name for name in SECURITY_HEADERS if name in page.headers} == set(SECURITY_HEADERS)
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"


def test_they_are_in_two_languages(operator: Signed) -> None:
    for path in PAGES:
        assert 'lang="de"' in operator.open(f"{path}?lang=de")
        assert "/operator/held?lang=de" in operator.open(f"{path}?lang=de")


def test_without_pages_there_are_none_of_these(installation: Installation) -> None:
    installation.settings.__dict__["pages"] = False
    assert TestClient(create_app(installation)).get("/operator").status_code == 404
