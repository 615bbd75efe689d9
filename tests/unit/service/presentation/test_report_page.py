from html.parser import HTMLParser

import pytest

from service.examiner.report import Report
from service.presentation.report_page import page
from tests.assets import provenance
from tests.support.evidence import Evidence
from watermark.c2pa.credentials import Credentials, TrustList
from watermark.c2pa.pki import make_development_pki

EVIL = '"><script>alert(1)</script><img src=https://example.org/x onerror=alert(1)>'


class Elements(HTMLParser):
    """The tags of a page with their attributes, and whether it is balanced."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report() -> Report:
    pki = make_development_pki()
    reader = Credentials(pki.chain, pki.key, "es256", [TrustList("lab", provenance.lab().pem)])
    edited = provenance.edited([provenance.OPENED], (provenance.broken(), "parentOf"))
    found = Evidence(reader.read(edited, "image/jpeg"), mark_id=1, record_known=True, same_image=False).report()
    return found.model_copy(
        update={"file": EVIL, "claimed": found.claimed.model_copy(update={"signer": EVIL, "generator": EVIL})}
    )


def test_the_page_requests_and_runs_nothing(report: Report) -> None:
    elements = Elements(page(report, b"jpeg", {}))
    assert elements.open == []
    tags = [tag for tag, _ in elements.found]
    assert not {"script", "link", "iframe", "object", "form", "a"} & set(tags)
    sources = [attributes["src"] for tag, attributes in elements.found if tag == "img"]
    assert all(source and source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    policy = next(attributes["content"] for tag, attributes in elements.found if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_everything_is_on_the_page(report: Report) -> None:
    text = page(report, b"jpeg", {})
    for heading in ("Claimed:", "Marked:", "Matched:", "Inferred:", "Conflicts", "What it was made from"):
        assert heading in text
    assert text.count("What this does not prove") == 4
    assert "An image that this one was made from had been altered after it was signed." in text
    assert report.asset.sha256 in text


def test_it_can_be_read_aloud_and_in_the_dark(report: Report) -> None:
    text = page(report, b"jpeg", {})
    elements = Elements(text).found
    assert ("html", {"lang": "en"}) in elements
    assert [tag for tag, _ in elements].count("h1") == 1
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    assert "prefers-color-scheme: dark" in text


def test_thumbnails_stand_beside_their_files(report: Report) -> None:
    (ingredient,) = report.claimed.ingredients
    pictured = report.claimed.model_copy(
        update={"ingredients": [ingredient.model_copy(update={"thumbnail": "self#x"})]}
    )
    text = page(report.model_copy(update={"claimed": pictured}), None, {"self#x": b"jpeg"})
    images = [attributes for tag, attributes in Elements(text).found if tag == "img"]
    assert [image["alt"] for image in images] == ["Thumbnail of parentOf: p"]


def test_pixels_that_were_not_examined_are_said(report: Report) -> None:
    asset = report.asset.model_copy(update={"width": None, "height": None, "not_examined": "a film"})
    assert "The pixels were not examined: a film." in page(report.model_copy(update={"asset": asset}), None, {})


def test_the_image_that_a_watermark_was_moved_from_stands_beside(report: Report) -> None:
    moved = report.model_copy(update={"marked": [report.marked[0].model_copy(update={"resemblance": "other"})]})
    text = page(moved, b"jpeg", {}, issued=b"issued")
    images = [attributes for tag, attributes in Elements(text).found if tag == "img"]
    assert [image["alt"] for image in images] == ["The examined image", "The image that this watermark was issued on"]
    assert "The records keep no picture" not in text
    assert "The records keep no picture" in page(moved, b"jpeg", {})
    assert "The records keep no picture" not in page(report, b"jpeg", {})
