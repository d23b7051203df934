"""Where we do not send, whatever an endpoint's address says.

An address that somebody configured is a way to make this service ask others on their behalf. So every address that a
name resolves to is checked, at each send, and the connection goes to the checked address: a name that changes its mind
in between changes nothing. The table is our own, since `ipaddress.is_global` lets NAT64, 6to4 and some multicast pass.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED = {
    "0.0.0.0/8": "this host",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by carriers (CGNAT)",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "cloud metadata",
    "169.254.0.0/16": "link-local, cloud metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, broadcast",
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::/96": "IPv4-compatible",
    "::ffff:0:0/96": "IPv4-mapped",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "100::/64": "discard",
    "2001::/23": "protocol assignments, Teredo",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
REFUSED: tuple[tuple[Network, str], ...] = tuple((ip_network(text), why) for text, why in _REFUSED.items())
GLOBAL_UNICAST = ip_network("2000::/3")  # the only IPv6 addresses that are handed out

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,252})")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class Refused(Exception):
    """Nothing is sent to this address; the text says why."""


class Unresolved(Exception):
    """The name has no address, or nobody told in time."""


@dataclass(frozen=True)
class Target:
    """An address, taken apart. `host` is ASCII and without brackets, `path` begins with a slash and has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """Raises Refused: scheme, user in the address, port, or not an address at all."""
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise Refused("The address may hold printable ASCII characters only; write others percent-encoded.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("This is no address.") from error
    if parts.scheme not in settings.DELIVERY_SCHEMES:
        known = " or ".join(f"{name}://" for name in settings.DELIVERY_SCHEMES)
        raise Refused(f"The address has to begin with {known}.")
    if "@" in parts.netloc:
        raise Refused("The address may not hold a user or password; use the property authentication.")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if port < 1 or (settings.DELIVERY_PORTS and port not in settings.DELIVERY_PORTS):
        raise Refused(f"Port {port} is not one that events are sent to.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, _host(parts.hostname or "", in_brackets="[" in parts.netloc), port, path)


def _host(host: str, *, in_brackets: bool) -> str:
    if in_brackets:
        if "%" in host:  # the zone of a link-local address
            raise Refused("This is no address.")
        try:
            return str(IPv6Address(host))
        except ValueError as error:
            raise Refused("This is no address.") from error
    if not _HOST.fullmatch(host):
        raise Refused("The address needs a host name; one with other letters than a-z in its IDNA form (xn--...).")
    return host


def check(address: Address) -> None:
    """Raises Refused unless the address is public, or in DELIVERY_ALLOWED_NETWORKS."""
    if any(address in ip_network(allowed) for allowed in settings.DELIVERY_ALLOWED_NETWORKS):
        return
    for network, why in REFUSED:
        if address in network:
            raise Refused(f"{address} is not a public address ({why}).")
    if address.version == 6 and address not in GLOBAL_UNICAST:
        raise Refused(f"{address} is not a public address.")


def resolve(target: Target, seconds: float) -> list[Address]:
    """Every address of the target, all of them checked. Raises Refused when one is, Unresolved."""
    addresses = _look_up(target.host, target.port, seconds)
    for address in addresses:
        check(address)
    return addresses


def _look_up(host: str, port: int, seconds: float) -> list[Address]:
    """The resolver knows no deadline, so it runs in a thread that is left behind when it is too slow."""
    found: list[Address] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(ip_address(entry[4][0]) for entry in entries))
        except (OSError, ValueError) as error:
            failed.append(error)

    asking = threading.Thread(target=ask, name="resolver", daemon=True)
    asking.start()
    asking.join(max(0.0, seconds))
    if asking.is_alive():
        raise Unresolved(f"The name {host} was not resolved in time.")
    if failed or not found:
        raise Unresolved(f"The name {host} does not resolve.")
    return found
