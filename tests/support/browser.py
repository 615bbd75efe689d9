"""A real browser for pages: an installed Chromium, which asks for nothing but what a page asks for."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
"""No sandbox: tests may run as root, and open only pages of our own."""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser until the block ends. Skips the tests where there is none."""
    if CHROMIUM is None:
        pytest.skip("pages are not tested in a browser: there is no chromium or google-chrome on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
