"""Who the client is behind proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.api.client_address import client_address

OURS = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("203.0.113.7", {}, "203.0.113.7"),
        ("203.0.113.7", {b"x-forwarded-for": [b"198.51.100.1"]}, "203.0.113.7"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"198.51.100.1"]}, "198.51.100.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"6.6.6.6, 198.51.100.1, 10.0.0.2"]}, "198.51.100.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"6.6.6.6", b"198.51.100.1"]}, "198.51.100.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"10.0.0.3, 10.0.0.2"]}, "10.0.0.3"),
        ("10.0.0.1", {b"x-forwarded-for": [b"198.51.100.1:4711"]}, "198.51.100.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"[2001:db8::7]:4711"]}, "2001:db8::7"),
        ("10.0.0.1", {b"x-forwarded-for": [b"2001:DB8:0::7"]}, "2001:db8::7"),
        ("10.0.0.1", {b"x-forwarded-for": [b"198.51.100.1, unknown"]}, "10.0.0.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"198.51.100.1, nonsense, 10.0.0.2"]}, "10.0.0.2"),
        ("10.0.0.1", {b"x-forwarded-for": [b""]}, "10.0.0.1"),
        ("10.0.0.1", {b"x-forwarded-for": [b"\xff\xfe"]}, "10.0.0.1"),
        ("::ffff:10.0.0.1", {b"x-forwarded-for": [b"::ffff:198.51.100.1"]}, "198.51.100.1"),
        ("10.0.0.1", {b"forwarded": [b"for=198.51.100.1;proto=https"]}, "198.51.100.1"),
        ("10.0.0.1", {b"forwarded": [b'For="[2001:db8::7]:4711", for=10.0.0.2']}, "2001:db8::7"),
        ("10.0.0.1", {b"forwarded": [b"proto=https;for=198.51.100.1"]}, "198.51.100.1"),
        ("10.0.0.1", {b"forwarded": [b"for=_hidden"]}, "10.0.0.1"),
        ("2001:db8:1::1", {b"forwarded": [b"for=198.51.100.1"]}, "198.51.100.1"),
        ("nonsense", {b"x-forwarded-for": [b"198.51.100.1"]}, None),
        (None, {b"x-forwarded-for": [b"198.51.100.1"]}, None),
    ],
)
def test_the_client_is_the_right_most_untrusted_address(
    peer: str | None, headers: dict[bytes, list[bytes]], client: str | None
) -> None:
    assert client_address(peer, headers, OURS) == client


def test_headers_that_agree_are_believed() -> None:
    headers = {b"x-forwarded-for": [b"198.51.100.1"], b"forwarded": [b"for=198.51.100.1"]}
    assert client_address("10.0.0.1", headers, OURS) == "198.51.100.1"


def test_a_header_that_our_proxy_passed_through_cannot_lie() -> None:
    headers = {b"x-forwarded-for": [b"198.51.100.1"], b"forwarded": [b"for=6.6.6.6"]}
    assert client_address("10.0.0.1", headers, OURS) == "10.0.0.1"
