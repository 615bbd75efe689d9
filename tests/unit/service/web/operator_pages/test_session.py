from fastapi.testclient import TestClient

from service.installation import Installation
from service.web import create_app
from service.web.operator_pages.session import COOKIE
from tests.support.operators import Signed, operator_key


def test_the_cookie_is_for_these_pages_alone(operator: Signed) -> None:
    cookie = operator.signed_in.headers["set-cookie"]
    for part in (f"{COOKIE}=", "HttpOnly", "Max-Age=28800", "Path=/operator", "SameSite=strict"):
        assert part in cookie
    assert "Secure" not in cookie  # plain HTTP on this machine
    assert operator.signed_in.headers["location"] == "/operator"


def test_over_https_it_is_sent_over_https_alone(installation: Installation) -> None:
    client = TestClient(create_app(installation), base_url="https://localhost")
    assert "Secure" in Signed(client, operator_key(installation)).signed_in.headers["set-cookie"]


def test_below_a_path_it_is_for_that_path(installation: Installation) -> None:
    client = TestClient(create_app(installation), root_path="/images")
    signed = client.post(
        "/images/operator/sign-in", files={"key": (None, operator_key(installation))}, follow_redirects=False
    )
    assert "Path=/images/operator" in signed.headers["set-cookie"]
    assert signed.headers["location"] == "/images/operator"


def test_a_session_that_ended_is_told(operator: Signed, installation: Installation) -> None:
    installation.tenants.remove("ops")
    page = operator.client.get("/operator/held")
    assert page.status_code == 401
    assert "Your session has ended" in page.text


def test_a_redirect_keeps_the_language(operator: Signed) -> None:
    assert operator.send("/sign-out?lang=de").headers["location"] == "/operator?lang=de"


def test_what_was_done_is_told_in_known_words_alone(operator: Signed) -> None:
    assert "The key is revoked." in operator.open("/tenants?done=key_revoked")
    for unknown in ("x", "<b>", "a.b"):
        assert 'role="status"' not in operator.open(f"/tenants?done={unknown}")
