"""Requests to addresses that somebody else chose: only to public addresses, and to the very one that was checked.

Whoever makes a program ask for an address must not reach what only that program's machine reaches. So a name is
resolved once, every address that it has must be public, and the connection goes to that very address, in the name's
name. A proxy would resolve names itself, so use a client without one; and follow no redirect without another look.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from service.kit.addresses import is_public

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host."""


class NotReachable(Exception):
    """An address that may not be asked. The message says which, and why."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Where to connect, and what to send with it so that it is a request to the name."""

    url: httpx.URL
    headers: Mapping[str, str]
    extensions: Mapping[str, Any]


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host. Raises OSError if it has none."""
    found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


def pin(target: httpx.URL, resolve: Resolve = resolved, *, private: bool = False) -> Pinned:
    """The address that a request to `target` goes to. `private`: addresses that are not public will do, too.

    Raises:
        NotReachable: another scheme than HTTP, a password in it, or an address that is not public.
        OSError: the name has no address.
    """
    if target.scheme not in ("http", "https") or not target.host or target.userinfo:
        raise NotReachable(f"{target.scheme} addresses, or ones with a password, are not fetched")
    addresses = resolve(target.host, target.port or (443 if target.scheme == "https" else 80))
    if not addresses or not (private or all(map(is_public, addresses))):
        raise NotReachable(f"{target.host} is not a public address")
    # The certificate is checked for the name, although the connection goes to the address.
    return Pinned(
        target.copy_with(host=addresses[0], fragment=None),
        {"Host": target.netloc.decode("ascii")},
        {"sni_hostname": target.host},
    )
