"""The operator's pages in a real browser: by hand, without JavaScript, on a phone, in the dark, in German."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.installation import Installation, open_installation
from service.kit.settings import Settings
from service.web import create_app
from tests.integration.test_pages import accessible, browser, opened, sideways  # noqa: F401 - two are fixtures
from tests.support import disk, waiting
from tests.support.operators import REPORTER, appeal, held_image, keeping, notice, operator_key

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SignedIn = Callable[..., "AbstractContextManager[Page]"]


@dataclass(frozen=True)
class Served:
    """A server, what it serves, and a key for the operator."""

    address: str
    installation: Installation
    key: str


@pytest.fixture(scope="module")
def served(browser: "Browser", home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:  # noqa: F811
    settings = Settings(home=tmp_path_factory.mktemp("operator") / "home", threads=1, parser_processes=0)
    disk.copy_home(home_template, settings)
    with closing(open_installation(settings)) as installation:
        key = operator_key(installation)
        keeping(installation)
        with waiting.served(create_app(installation)) as address:
            yield Served(address, installation, key)


@pytest.fixture(scope="module")
def address(served: Served) -> str:
    """For `opened`."""
    return served.address


@pytest.fixture
def signed_in(opened: Callable[..., Any], served: Served) -> SignedIn:  # noqa: F811
    """Opens a browser of its own, and signs in."""

    @contextmanager
    def open_page(**options: Any) -> "Iterator[Page]":
        with opened("/operator", **options) as page:
            page.locator("#key").fill(served.key)
            page.locator("main form button").click()
            page.locator(".tabs").wait_for()
            yield page

    return open_page


def go(page: "Page", tab: str) -> None:
    page.get_by_role("navigation", name="Operator's pages").get_by_role("link", name=tab).click()


def test_a_held_image_is_looked_at_and_released_without_javascript(signed_in: SignedIn, served: Served) -> None:
    content_id = held_image(served.installation, 192)
    with signed_in(java_script_enabled=False) as page:
        go(page, "Held images")
        page.get_by_role("button", name=content_id).click()
        assert page.get_by_role("img", name="The held image").evaluate("image => image.naturalWidth") == 192
        page.get_by_label("Reason").fill("it is somebody else")
        page.get_by_role("button", name="Release").click()
        page.get_by_role("status").get_by_text("The image is released").wait_for()
        assert "held?done=held_release" in page.url
    assert [image.id for image in served.installation.review_queue.queue()] == []


def test_a_notice_and_an_appeal_are_decided_in_the_dark(signed_in: SignedIn, served: Served) -> None:
    case, number = notice(served.installation), appeal(served.installation)
    with signed_in(color_scheme="dark") as page:
        go(page, "Takedown notices")
        page.get_by_text("due in 47 h").wait_for()
        accessible(page)
        page.get_by_role("button", name=case).click()
        page.get_by_text(REPORTER).wait_for()
        accessible(page)
        page.get_by_role("button", name="Remove").click()
        page.get_by_text("The notice is decided").wait_for()
        go(page, "Appeals")
        accessible(page)
        page.get_by_label("Reason").fill("we looked again")
        page.get_by_role("button", name="The decision stands").click()
        page.get_by_text("The appeal is decided").wait_for()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 22, 27)"
    assert served.installation.appeals.status(number).status == "upheld"


def test_a_key_is_made_replaced_and_revoked(signed_in: SignedIn, served: Served) -> None:
    with signed_in() as page:
        go(page, "Tenants and keys")
        accessible(page)
        form = page.locator("form[action='/operator/tenants/add']")
        form.get_by_label("Name: a company's").fill("acme")
        form.get_by_label("What the key is for").fill("web shop")
        form.get_by_role("button", name="Add a tenant").click()
        key = page.get_by_label("The new key").input_value()
        assert served.installation.tenants.client(key).name == "acme"
        accessible(page)
        go(page, "Tenants and keys")
        page.get_by_role("button", name=f"Replace this key {key[:11]}").click()
        newer = page.get_by_label("The new key").input_value()
        go(page, "Tenants and keys")
        revoke = page.locator("form[action='/operator/tenants/revoke-key']").filter(has_text=newer[:11])
        revoke.get_by_label("I am sure").check()
        revoke.get_by_role("button").click()
        page.get_by_text("The key is revoked.").wait_for()
    states = {each.id: each.state for each in served.installation.api_keys.list("acme")}
    assert states == {key[:11]: "active", newer[:11]: "revoked"}


def test_every_page_fits_a_phone_in_german(signed_in: SignedIn, served: Served) -> None:
    held_image(served.installation)
    notice(served.installation, "d" * 64)
    appeal(served.installation)
    with signed_in(locale="de-DE", viewport={"width": 360, "height": 700}) as page:
        for path in ("", "/jobs", "/held", "/takedowns", "/appeals", "/audit", "/tenants"):
            page.goto(f"{served.address}/operator{path}")
            assert page.locator("html").get_attribute("lang") == "de"
            assert sideways(page) <= 0, path
            if path in ("", "/jobs", "/held", "/audit"):  # other tests look at the others
                accessible(page)


def test_whoever_signs_out_or_has_no_key_sees_nothing(
    signed_in: SignedIn,
    opened: Callable[..., Any],  # noqa: F811
    served: Served,
) -> None:
    with signed_in() as page:
        assert "countermark_operator" not in page.evaluate("document.cookie")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Operator: sign in").wait_for()
        page.goto(f"{served.address}/operator/tenants")
        page.get_by_role("heading", name="Operator: sign in").wait_for()
    with opened("/operator/audit") as page:
        page.locator("#key").fill("cm_wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("A valid key is needed").wait_for()
        accessible(page)
