"""Time-stamps of a time-stamp authority (RFC 3161): when a signature existed, in the word of somebody else.

With one, an image stays verifiable after the certificate that signed it has expired.
"""

import hashlib
import http.client
import secrets
import urllib.request
from typing import Protocol

from asn1crypto import cms, core, tsp

_GRANTED = ("granted", "granted_with_mods")
_MOST_BYTES = 1 << 20
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


class _Response(core.Sequence):  # type: ignore[misc] # asn1crypto has no types; its own class requires a token
    """TimeStampResp (RFC 3161, section 2.4.2): a refusal has no token."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


class TimestampError(Exception):
    """No usable time-stamp; the message says why."""


class Stamper(Protocol):
    """Gets time-stamps. Thread-safe."""

    def stamp(self, data: bytes) -> bytes:
        """The time-stamp token (CMS, DER) of the SHA-256 of `data`. Raises TimestampError."""
        ...


class TimestampAuthority:
    """An authority reached by HTTP. It learns the hash of a signature, nothing of the image."""

    def __init__(self, url: str, timeout: float) -> None:
        """`timeout`: seconds of silence after which an answer is given up."""
        self._url = url
        self._timeout = timeout
        # Only HTTP and HTTPS, and no redirects: the operator named this address, not another.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def stamp(self, data: bytes) -> bytes:
        digest, nonce = hashlib.sha256(data).digest(), secrets.randbits(63)
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
        query = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True})
        return _token(self._answer(query.dump()), digest, nonce)

    def _answer(self, query: bytes) -> bytes:
        asked = urllib.request.Request(self._url, query, {"Content-Type": _QUERY, "Accept": _REPLY})  # noqa: S310 - operator's
        try:
            with self._opener.open(asked, timeout=self._timeout) as answer:
                body = bytes(answer.read(_MOST_BYTES + 1))
        except (OSError, http.client.HTTPException, ValueError) as gone:
            raise TimestampError(f"the time-stamp authority did not answer: {gone}") from gone
        if len(body) > _MOST_BYTES:
            raise TimestampError("the time-stamp authority's answer is too long")
        return body


def _token(body: bytes, digest: bytes, nonce: int) -> bytes:
    """The token in an answer, which must be to this very request. Who signed it is for readers to judge."""
    try:
        answer = _Response.load(body, strict=True)
        status = answer["status"]["status"].native
        if status not in _GRANTED:
            raise TimestampError(f"the time-stamp authority refused ({status})")
        token = answer["time_stamp_token"]
        said = token["content"]["encap_content_info"]["content"].parsed
        imprint = said["message_imprint"]
        told = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native, said["nonce"].native
    except (ValueError, TypeError, KeyError, AttributeError) as malformed:
        raise TimestampError("the time-stamp authority's answer is not a time-stamp response") from malformed
    if told != ("sha256", digest, nonce):
        raise TimestampError("the time-stamp authority's answer is to another request")
    return bytes(token.dump())
