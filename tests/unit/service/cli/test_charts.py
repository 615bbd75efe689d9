from xml.etree import ElementTree

from service.cli import charts

NASTY = "<script>&\"'"


def svg(figure: str) -> ElementTree.Element:
    (found,) = ElementTree.fromstring(figure).iter("svg")
    return found


def points(figure: str, number: int = 0) -> list[tuple[float, float]]:
    (line,) = [one for one in svg(figure).iter("polyline") if one.get("class") == f"c{number}"]
    return [tuple(map(float, pair.split(","))) for pair in str(line.get("points")).split()]  # type: ignore[misc]


def test_a_curve_runs_from_the_lower_left_to_the_upper_right() -> None:
    (x0, y0), (x1, y1) = points(charts.chart("t", "a", "u", {"ours": [(0, 0), (1, 1)]}))
    assert x1 - x0 == y0 - y1 > 0


def test_the_highest_share_fills_the_height() -> None:
    figure = charts.histogram("t", "a", "u", {"camera": [0.1, 0.4], "synthetic": [0.2, 0.0]})
    high = min(y for _, y in points(figure))
    low = max(y for _, y in points(figure))
    assert min(y for _, y in points(figure, 1)) == (high + low) / 2


def test_whatever_it_is_given_stays_text() -> None:
    parts = [
        charts.chart(NASTY, NASTY, NASTY, {NASTY: [(0, 0), (1, 1)]}),
        charts.table([NASTY], [[NASTY]]),
        charts.paragraph(NASTY),
    ]
    page = charts.page(NASTY, *parts)
    assert "<script>" not in page
    assert NASTY in [cell.text for cell in ElementTree.fromstring(parts[1]).iter("td")]


def test_a_page_fetches_nothing() -> None:
    page = charts.page("title", charts.paragraph("text"))
    assert page.startswith("<!doctype html>")
    assert not any(word in page for word in ("http", "src=", "@import", "url("))


def test_a_trend_shows_its_levels_and_fills_the_height() -> None:
    figure = charts.trend("t", "weeks", "PSI", {"ours": [(0, 0), (1, 0.5)]}, (0.1, 0.25))
    assert len([line for line in svg(figure).iter("line") if line.get("class") == "guide"]) == 2
    (_, low), (_, high) = points(figure)
    frame = next(svg(figure).iter("rect"))
    assert high == float(str(frame.get("y")))
    assert low == high + float(str(frame.get("height")))
