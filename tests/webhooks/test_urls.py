"""URLs that are posted to, read as they are meant; what is no URL is refused and nothing worse."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.addresses import is_public
from gateway.webhooks.urls import (
    URL_LENGTH_MAX,
    HostPort,
    UrlRefused,
    read_host_port,
    read_url,
)
from tests.webhooks.receivers import a_sender


@pytest.mark.parametrize(
    ("url", "place", "path", "authority"),
    [
        ("https://example.com", ("example.com", 443), "/", "example.com"),
        ("https://example.com:443/", ("example.com", 443), "/", "example.com"),
        ("HTTPS://Example.COM:8443/A/b", ("example.com", 8443), "/A/b", "example.com:8443"),
        ("https://example.com?x=1&y=/?:@", ("example.com", 443), "/?x=1&y=/?:@", "example.com"),
        ("https://a.b-c.example.com//x/../%2e", ("a.b-c.example.com", 443), "//x/../%2e", None),
        ("https://bücher.de/%C3%BC", ("xn--bcher-kva.de", 443), "/%C3%BC", None),
        ("https://xn--bcher-kva.de/", ("xn--bcher-kva.de", 443), "/", None),
        ("https://faß.de/", ("xn--fa-hia.de", 443), "/", None),
        ("https://my_shop.example.com/", ("my_shop.example.com", 443), "/", None),
        ("https://8.8.8.8:8443/", ("8.8.8.8", 8443), "/", "8.8.8.8:8443"),
        ("https://[2606:4700:0::1111]/", ("2606:4700::1111", 443), "/", "[2606:4700::1111]"),
        ("https://[2606:4700::1111]:1234/x", ("2606:4700::1111", 1234), "/x", None),
        ("https://[64:ff9b::8.8.8.8]/", ("64:ff9b::808:808", 443), "/", None),
    ],
)
def test_a_public_url_is_read(
    url: str, place: tuple[str, int], path: str, authority: str | None
) -> None:
    target = read_url(url)
    assert (target.is_tls, target.place, target.path) == (True, HostPort(*place), path)
    assert not target.is_dangerous
    if authority is not None:
        assert target.authority == authority
    assert a_sender().check_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/ä",
        "https://example.com/%",
        "https://example.com/%zz",
        "https://example.com/a b",
        'https://example.com/"',
        "https://example.com/<x>",
        "https://example.com/{x}",
        "https://example.com/a|b",
        "https://example.com/\u2028",
        "https://example.com/\udc80",
        "https://-example.com/",
        "https://example-.com/",
        "https://example..com/",
        "https://.example.com/",
        "https://exa$mple.com/",
        "https://xn--a/",
        "https://xn--zz--zz.com/",
        "https://" + "a" * 64 + ".com/",
        "https://" + "a." * 127 + "com/",
        "https://example.com/" + "x" * URL_LENGTH_MAX,
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert a_sender().check_url(url) is not None


@given(text=st.text(max_size=80), scheme=st.sampled_from(["", "https://", "https://[", "http://"]))
def test_any_text_is_refused_or_read_to_what_reads_the_same(text: str, scheme: str) -> None:
    try:
        target = read_url(scheme + text)
    except UrlRefused:
        return
    again = read_url(f"https://{target.authority}{target.path}")
    assert again == target


@given(address=st.ip_addresses(v=4))
def test_what_is_inside_a_nat64_address_counts(address: ipaddress.IPv4Address) -> None:
    inside = ipaddress.IPv6Address(f"64:ff9b::{address}")
    assert is_public(inside) is is_public(address)


@given(address=st.ip_addresses())
def test_public_is_never_more_than_what_the_library_calls_global(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    inside_nat64 = address in ipaddress.ip_network("64:ff9b::/96")
    assert address.is_global or inside_nat64 or not is_public(address)


@given(address=st.ip_addresses(v=4))
def test_no_other_address_with_an_address_inside_is_public(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    for text in (
        f"::ffff:{address}",
        f"::{address}",
        f"2002:{number >> 16:x}:{number & 65535:x}::",
    ):
        assert not is_public(ipaddress.IPv6Address(text))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("Receiver:9000", ("receiver", 9000)),
        ("[::1]:1", ("::1", 1)),
    ],
)
def test_a_place_is_a_host_and_a_port(text: str, place: tuple[str, int]) -> None:
    assert read_host_port(text) == HostPort(*place)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        ":80",
        "http://x:1",
        "::1:80",
    ],
)
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="must be host:port"):
        read_host_port(text)
