"""Client addresses: which count as one client, and which belong to trusted proxies."""

import ipaddress
from collections.abc import Sequence

_IPV6_NETWORK = 64  # bits: one subscriber has a whole network of this size

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(host: str) -> Address | None:
    """The address that `host` is, without a zone and as IPv4 where it is mapped; None if it is a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:  # all of these are in one IPv6 network
        return address.ipv4_mapped
    return address


def client_key(host: str) -> str:
    """Equal for all addresses of one client: an IPv4 address, or the network of an IPv6 address; else `host` itself."""
    address = parse_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return host if address is None else str(address)


def is_loopback(host: str) -> bool:
    """Whether a server that listens on `host` is reached from its own machine alone."""
    address = parse_address(host)
    return host == "localhost" if address is None else address.is_loopback


def is_public(host: str) -> bool:
    """Whether an address is one of the public internet: not of a private network, nor a way into one.

    Of IPv6 only plain global unicast: what else is global carries IPv4 addresses inside (6to4, NAT64), of any network.
    """
    address = parse_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global and address.sixtofour is None
    return address is not None and address.is_global and not address.is_multicast


class Networks:
    """A set of networks, to ask whether an address is in one of them."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        """Raises ValueError for what is neither a network nor an address."""
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def __contains__(self, host: str) -> bool:
        address = parse_address(host)
        return address is not None and any(address in network for network in self._networks)
