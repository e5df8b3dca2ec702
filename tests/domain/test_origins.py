"""Origins: only what a browser would send, in its spelling."""

from __future__ import annotations

import re

import pytest

from gateway.api.rest.client_requests import _ORIGIN
from gateway.domain.origins import normal_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://a_b.x-y.example", "https://a_b.x-y.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://intranet", "https://intranet"),
        ("https://203.0.113.7", "https://203.0.113.7"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://localhost:65535", "https://localhost:65535"),
    ],
)
def test_an_origin_is_spelled_as_browsers_do(text: str, origin: str) -> None:
    assert normal_origin(text) == origin
    assert normal_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "https://*",
        "https://*.shop.example",
        "shop.example",
        "//shop.example",
        "http://shop.example",
        "http://127.0.0.2",
        "http://localhost.example",
        "http://[::2]",
        "ftp://shop.example",
        "file://",
        "javascript:alert(1)",
        "https://",
        "https:///",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://shop.example#x",
        "https://user@shop.example",
        "https://user:pass@shop.example",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:080",
        "https://shop.example:65536",
        "https://shop.example:443x",
        "https://-shop.example",
        "https://shop-.example",
        "https://shop..example",
        "https://shop.example.",
        "https://.example",
        "https://300.1.1.1",
        "https://1.2.3",
        "https://0x7f.1",
        "https://[::1",
        "https://[1]",
        "https://[fe80::1%25eth0]",
        "https://bücher.example",
        "https://shop.example ",
        " https://shop.example",
        "https://shop.example\n",
        "https://shop.example,https://b.example",
        "https://shop.example https://b.example",
        "https://" + ".".join(["a" * 63] * 4) + ".example",
        "https://" + "a" * 64 + ".example",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        normal_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example",
        "HTTPS://A.b-c.D_e.xn--p1ai:9999",
        "http://LOCALHOST:1",
        "https://[::1]:8443",
        "http://127.0.0.1",
        "https://a",
    ],
)
def test_what_the_document_describes_is_an_origin(text: str) -> None:
    assert re.fullmatch(_ORIGIN, text)
    normal_origin(text)


@pytest.mark.parametrize("text", ["null", "*", "http://shop.example", "https://a/", "https://a."])
def test_the_document_does_not_describe_what_is_refused(text: str) -> None:
    assert not re.fullmatch(_ORIGIN, text)
