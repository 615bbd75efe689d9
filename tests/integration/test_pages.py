"""The pages in a real browser: with and without JavaScript, by keyboard, in the dark, on a phone, and read aloud."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from service.installation import open_installation
from service.kit.settings import Settings
from service.web import create_app
from tests.assets import hostile, provenance
from tests.support import disk, waiting
from tests.support.browser import chromium
from tests.support.gateway import builder
from tests.support.prompts import Screen, evidence

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Opened = Callable[..., Any]

PHOTO = {"name": "photo.png", "mimeType": "image/png", "buffer": hostile.save(hostile.picture(), "PNG")}
CHANGED = {"name": "changed.jpg", "mimeType": "image/jpeg", "buffer": provenance.broken()}
TEXT = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"text"}
FORBIDDEN = "forbidden"

PASTE = """bytes => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
}"""
DROP = """bytes => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(browser: "Browser", home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose gateway paints, and refuses one prompt. It is not started without a browser."""
    settings = Settings(home=tmp_path_factory.mktemp("pages") / "home", threads=1, parser_processes=0)
    disk.copy_home(home_template, settings)
    screen = Screen(lambda prompt: evidence(sexual=0.99 if FORBIDDEN in prompt else 0.1))
    with closing(open_installation(settings)) as installation:
        installation._gateway = builder(installation)(prompts=screen)
        with waiting.served(create_app(installation)) as served:
            yield served


@pytest.fixture
def opened(browser: "Browser", address: str) -> Opened:
    """Opens a page in a browser of its own, and checks in the end that it asked no other server and broke no rule."""

    @contextmanager
    def open_page(path: str = "/", **options: Any) -> "Iterator[Page]":
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1100, "height": 800}, **options})
        page, asked, faults = context.new_page(), set[str](), list[str]()
        page.set_default_timeout(waiting.LONGEST * 1000)
        page.on("request", lambda request: asked.add(urlsplit(request.url)._replace(path="", query="").geturl()))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(f"{address}{path}")
        yield page
        origins = {origin for origin in asked if not origin.startswith(("data:", "blob:"))}
        context.close()
        assert origins == {address}
        assert faults == []

    return open_page


def examine(page: "Page", *files: Any) -> None:
    page.set_input_files("#file", list(files))
    page.get_by_role("button", name=re.compile("^(Examine|Prüfen)$")).click()


def headlines(page: "Page") -> list[str]:
    page.wait_for_selector("[data-result]")
    return page.locator("[data-result] .headline").all_inner_texts()


def sideways(page: "Page") -> int:
    """Pixels that the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def accessible(page: "Page") -> None:
    """axe-core finds nothing serious. It is run inside the page, from a file of its own."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, json.dumps([(each["id"], [node["html"] for node in each["nodes"]]) for each in grave], indent=1)


def test_files_are_examined_without_javascript(opened: Opened) -> None:
    with opened(java_script_enabled=False) as page:
        examine(page, CHANGED, TEXT)
        assert headlines(page) == ["Changed after it was signed", "This kind of file cannot be read"]
        assert page.locator("[data-result] img").count() == 1
        assert page.locator("input[type=range]").count() == 0


def test_files_are_examined_one_by_one_with_javascript(opened: Opened) -> None:
    with opened() as page:
        examine(page, PHOTO, TEXT)
        page.get_by_text("2 of 2 examined").wait_for()
        assert headlines(page) == ["This kind of file cannot be read", "Origin unknown"]
        assert page.get_by_role("listitem").filter(has_text="notes.txt").count() == 1
        assert page.get_by_role("listitem").filter(has_text="photo.png").count() == 0
        assert page.evaluate("document.activeElement.id") == "results"
        with page.expect_download() as download:
            page.get_by_role("link", name="Report as JSON").click()
        assert json.loads(download.value.path().read_text())["file"] == "photo.png"
        accessible(page)


def test_images_are_pasted_and_dropped(opened: Opened) -> None:
    with opened() as page:
        page.evaluate(PASTE, list(PHOTO["buffer"]))
        page.evaluate(DROP, list(PHOTO["buffer"]))
        chosen = page.locator("[data-chosen] bdi").all_inner_texts()
        assert chosen == ["pasted.png", "dropped.png"]
        assert page.locator("[data-chosen] img[src^='blob:']").count() == 2
        page.get_by_role("button", name="Remove: pasted.png").click()
        assert page.locator("[data-chosen] bdi").all_inner_texts() == ["dropped.png"]


def test_a_file_that_is_too_large_is_not_sent(opened: Opened) -> None:
    with opened() as page:
        page.evaluate("document.querySelector('form').dataset.mostBytes = 10")
        examine(page, PHOTO)
        page.get_by_text("The file is too large").wait_for()
        assert page.locator("[data-result]").count() == 0


def test_an_image_is_generated_and_verified_in_the_dark(opened: Opened) -> None:
    with opened("/generate", color_scheme="dark") as page:
        page.get_by_label("What should the image show?").fill("a lake")
        page.get_by_role("button", name="Generate").click()
        page.get_by_role("heading", name="Your image").wait_for()
        accessible(page)  # the form is on this page, too
        page.get_by_role("button", name="Verify it yourself").click()
        assert headlines(page) == ["Generated here, by AI"]
        slider = page.get_by_role("slider", name="Show where the watermark remains")
        slider.press("End")
        assert page.locator(".stack img").nth(1).evaluate("image => getComputedStyle(image).opacity") == "1"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 22, 27)"


def test_a_refusal_is_explained_and_appealed_on_a_phone_in_german(opened: Opened) -> None:
    with opened("/generate", locale="de-DE", viewport={"width": 360, "height": 700}) as page:
        page.get_by_label("Was soll das Bild zeigen?").fill(FORBIDDEN)
        page.get_by_role("button", name="Erzeugen").click()
        page.get_by_role("heading", name="Es wurde kein Bild herausgegeben").wait_for()
        assert headlines(page) == ["Diese Beschreibung wurde abgelehnt"]
        page.get_by_text("Wenn Sie das für einen Irrtum halten").click()
        accessible(page)
        assert sideways(page) <= 0
        page.get_by_label("Warum ist sie falsch?").fill("Es ist ein See.")
        page.get_by_role("button", name="Einspruch senden").click()
        page.get_by_role("heading", name="Ihr Einspruch ist eingegangen").wait_for()


def test_a_phone_needs_no_sideways_scrolling(opened: Opened) -> None:
    long = {**CHANGED, "name": f"{'x' * 200}.jpg"}
    with opened(viewport={"width": 360, "height": 700}) as page:
        examine(page, long)
        assert headlines(page) == ["Changed after it was signed"]
        assert sideways(page) <= 0


def test_the_keyboard_is_enough(opened: Opened) -> None:
    with opened(reduced_motion="reduce") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "file"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.set_input_files("#file", [TEXT])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.ariaLabel") == "Remove: notes.txt"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert headlines(page) == ["This kind of file cannot be read"]


def test_an_order_can_be_cancelled(opened: Opened) -> None:
    with opened("/generate") as page:
        page.route("**/generate", lambda route: None if route.request.method == "POST" else route.continue_())
        page.get_by_label("What should the image show?").fill("a lake")
        page.get_by_role("button", name="Generate").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_text("Cancelled. Nothing was released.").wait_for()
        assert page.get_by_role("button", name="Generate").is_enabled()
