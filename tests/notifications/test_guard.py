# ruff: noqa: S104  # addresses to refuse, not to bind
"""Where nothing is sent, and that no spelling gets around it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.notifications import guard
from jobs.notifications.guard import REFUSED, Refused, Unresolved, check, parse, resolve

few = examples(max_examples=60, deadline=None)


@pytest.fixture
def production(settings: Any) -> None:
    settings.DELIVERY_ALLOWED_NETWORKS = []
    settings.DELIVERY_SCHEMES = ["https"]
    settings.DELIVERY_PORTS = [443, 8443]


# Written from the RFCs and the clouds' manuals, not taken from the table.
NOT_PUBLIC = [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "4000::1", "5f00::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "11.0.0.1",
          "2606:4700::1", "2a00:1450:4001::1", "2001:4860:4860::8888"]  # fmt: skip


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(production: None, text: str) -> None:
    with pytest.raises(Refused):
        check(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public(production: None, text: str) -> None:
    check(ip_address(text))


def passes(address: IPv4Address | IPv6Address) -> bool:
    """Whether the table lets it pass, no network being allowed specially."""
    outside = address.version == 6 and address not in guard.GLOBAL_UNICAST
    return not outside and not any(address in network for network, _ in REFUSED)


@few
@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_calls_special(address: IPv4Address | IPv6Address) -> None:
    if passes(address):
        assert address.is_global
        assert not (address.is_private or address.is_multicast or address.is_reserved or address.is_loopback)
        assert not (address.is_link_local or address.is_unspecified)
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo):
        assert not passes(address)


@few
@given(st.ip_addresses(v=4))
def test_no_ipv4_address_passes_inside_an_ipv6_one(address: IPv4Address) -> None:
    number = int(address)
    for prefix, shift in (("::", 0), ("::ffff:0:0", 0), ("64:ff9b::", 0), ("64:ff9b:1::", 0), ("2002::", 80)):
        assert not passes(IPv6Address(int(IPv6Address(prefix)) | number << shift))


@few
@given(st.sampled_from([network for network, _ in REFUSED]), st.data())
def test_every_address_of_the_table_is_refused(network: Any, data: st.DataObject) -> None:
    assert not passes(data.draw(st.ip_addresses(network=network)))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "0.0.0.0", "[::]", "0"],
)  # fmt: skip
def test_loopback_in_any_spelling(production: None, host: str) -> None:
    with pytest.raises((Refused, Unresolved)):
        resolve(parse(f"https://{host}/"), 2)


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/", "ftp://receiver.example/", "file:///etc/passwd", "gopher://receiver.example/",
        "//receiver.example/", "receiver.example", "", "https://", "https:///path", "https://user@receiver.example/",
        "https://user:secret@receiver.example/", "https://@receiver.example/", "https://receiver.example:22/",
        "https://receiver.example:0/", "https://receiver.example:70000/", "https://receiver.example:x/",
        "https://receiver.example /", "https://receiver.example/\r\nX: y", "https://receiver.example/a b",
        "https://receiver.example\\@127.0.0.1/", "https://[::1", "https://[fe80::1%eth0]/", "https://[v1.x]/",
        "https://bücher.example/", "https://receiver.example/ü", "https://-a.example/", "https://a%2eb/",
    ],
)  # fmt: skip
def test_no_address(production: None, url: str) -> None:
    with pytest.raises(Refused):
        resolve(parse(url), 0)


@few
@given(st.text(max_size=60))
def test_any_text_is_refused_or_taken_apart(text: str) -> None:
    for url in (text, f"https://{text}", f"http://127.0.0.1/{text}"):
        try:
            target = parse(url)
        except Refused:
            continue
        assert target.path.startswith("/")
        assert f"{target.host_header}{target.path}".isascii()
        assert not set(" \r\n\t") & set(target.host_header + target.path)


def test_parts(production: None) -> None:
    target = parse("https://Receiver.Example:8443/in/%C3%BC?a=1&b=2#part")
    assert (target.host, target.port, target.path) == ("receiver.example", 8443, "/in/%C3%BC?a=1&b=2")
    assert target.host_header == "receiver.example:8443"
    assert parse("https://[2606:4700::1]").host_header == "[2606:4700::1]"


def test_every_address_of_a_name_has_to_pass(production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", ("10.0.0.5", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(Refused, match=r"10\.0\.0\.5 is not a public address \(private\)"):
        resolve(parse("https://receiver.example/"), 2)


def test_a_network_can_be_allowed(production: None, settings: Any) -> None:
    settings.DELIVERY_ALLOWED_NETWORKS = ["10.1.0.0/16", "::1/128"]
    check(ip_address("10.1.2.3"))
    check(ip_address("::1"))
    for text in ("10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3"):
        with pytest.raises(Refused):
            check(ip_address(text))


def test_a_resolver_that_hangs_is_left_behind(production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    over = Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: (over.wait(5), [])[1])
    with pytest.raises(Unresolved, match="in time"):
        resolve(parse("https://receiver.example/"), 0.05)
    over.set()
