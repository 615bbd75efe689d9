import hashlib
from collections.abc import Iterator

import pytest

from tests.support.timestamping import WITHOUT_OPENSSL, authority_at, serving
from watermark.c2pa.timestamps import TimestampAuthority, TimestampError


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if WITHOUT_OPENSSL:
        pytest.skip(WITHOUT_OPENSSL)
    with authority_at(tmp_path_factory.mktemp("tsa")) as (url, _):
        yield url


def test_a_token_is_of_what_was_sent(url: str) -> None:
    token = TimestampAuthority(url, 10).stamp(b"a signature")
    assert hashlib.sha256(b"a signature").digest() in token


def test_an_answer_to_another_request_is_refused(url: str) -> None:
    """A stamp that was made before, of another signature or of this one, has another nonce."""
    import urllib.request

    kept: list[bytes] = []

    def replay(query: bytes) -> bytes:
        if not kept:
            with urllib.request.urlopen(urllib.request.Request(url, query)) as answer:
                kept.append(answer.read())
        return kept[0]

    with serving(replay) as proxy:
        TimestampAuthority(proxy, 10).stamp(b"a signature")
        with pytest.raises(TimestampError, match="another request"):
            TimestampAuthority(proxy, 10).stamp(b"a signature")
        with pytest.raises(TimestampError, match="another request"):
            TimestampAuthority(proxy, 10).stamp(b"another signature")


@pytest.mark.parametrize("body", [b"", b"hello", b"\x30\x03\x02\x01\x05"])
def test_an_answer_that_is_no_stamp_is_refused(body: bytes) -> None:
    with serving(lambda _: body) as url, pytest.raises(TimestampError, match="authority"):
        TimestampAuthority(url, 10).stamp(b"x")


def test_a_refusal_is_told(url: str) -> None:
    """openssl refuses what is not a query."""
    import urllib.request

    def spoiled(query: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(url, b"not a query")) as answer:
            return bytes(answer.read())

    with serving(spoiled) as proxy, pytest.raises(TimestampError, match="refused"):
        TimestampAuthority(proxy, 10).stamp(b"x")


def test_an_authority_that_fails_or_is_not_there() -> None:
    with serving(lambda _: b"", status=503) as url, pytest.raises(TimestampError, match="503"):
        TimestampAuthority(url, 10).stamp(b"x")
    with pytest.raises(TimestampError, match="did not answer"):
        TimestampAuthority(url, 1).stamp(b"x")  # it has been stopped


def test_an_endless_answer_is_given_up() -> None:
    with serving(lambda _: bytes(2 << 20)) as url, pytest.raises(TimestampError, match="too long"):
        TimestampAuthority(url, 10).stamp(b"x")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://example.invalid/x"])
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(TimestampError):
        TimestampAuthority(url, 1).stamp(b"x")
