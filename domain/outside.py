"""Addresses outside: which of them news may be sent to.

In: what an endpoint's URL must be, which network addresses may be called.
Not in: looking names up and calling (activities/courier.py).

Whoever may set an endpoint could otherwise have this server call what only it can reach.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from domain.faults import InputRefused

LONGEST_URL = 2000
LOCALHOST = "localhost"
WRAPPING = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
"""IPv6 networks whose addresses stand for IPv4 ones, which a gateway on the way would call."""


def may_call(address: str, *, private: bool) -> bool:
    """Tells whether a network address may be called; with `private`, also those of one's own network."""
    found = _unwrapped(ip_address(address.partition("%")[0]))
    if isinstance(found, IPv6Address) and any(found in network for network in WRAPPING):
        return False
    if found.is_loopback:
        return private
    if found.is_multicast or found.is_unspecified or found.is_reserved or found.is_link_local:
        return False
    return private or found.is_global


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def check_endpoint(url: str, *, private: bool) -> SplitResult:
    """Takes an endpoint's URL apart; raises InputRefused for one to which nothing may be sent.

    It is protected by https; with `private` settings also plain http.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InputRefused("url", url, "is no URL; write https:// and a name") from None
    host = parts.hostname
    if len(url) > LONGEST_URL or not host or port == 0 or not url.isascii() or not url.isprintable():
        remedy = f"is no URL; write https:// and a name, {LONGEST_URL} characters at most"
        raise InputRefused("url", url[:LONGEST_URL], remedy)
    if parts.username is not None or parts.fragment:
        raise InputRefused("url", url, "holds a user name or a fragment; leave it out: deliveries are signed")
    if parts.scheme not in ({"http", "https"} if private else {"https"}):
        raise InputRefused("url", url, "is not protected; write https://")
    if not private and (host == LOCALHOST or not _may_be_called(host)):
        raise InputRefused("url", url, "is an address of a private network; set webhooks.private to allow it")
    return parts


def _may_be_called(host: str) -> bool:
    """Tells whether a host written as a number may be called; names are looked up when they are called."""
    try:
        return may_call(host, private=False)
    except ValueError:
        return True
