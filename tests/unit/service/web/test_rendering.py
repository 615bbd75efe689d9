import pytest
from starlette.requests import Request

from service.kit.errors import BadRequest
from service.web.rendering import check_same_site, words_of


def request(query: str = "", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "query_string": query.encode(), "headers": raw})


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [("", "de", "de"), ("lang=en", "de", "en"), ("lang=xx", "de", "de"), ("lang=de", "", "de"), ("", "", "en")],
)
def test_the_language_of_the_reader(query: str, accepted: str, language: str) -> None:
    assert words_of(request(query, accept_language=accepted)).language == language


def test_programs_may_send_forms_and_other_sites_may_not() -> None:
    check_same_site(request(host="a.example"))
    check_same_site(request(host="a.example", origin="https://a.example"))
    with pytest.raises(BadRequest):
        check_same_site(request(host="a.example", origin="https://b.example"))
    with pytest.raises(BadRequest):
        check_same_site(request(host="a.example", origin="https://a.example", sec_fetch_site="cross-site"))
