"""Customers' URLs, read once and strictly; what is connected to and sent is what was read here.

There is one reader only. A URL that two programs could read differently is refused, not repaired:
see `domain` names and addresses in odd forms (decimal, octal, hexadecimal, short, full-width).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

import idna

from gateway.services.ports.sender import SendFault
from gateway.webhooks.addresses import Address, is_public

URL_LENGTH_MAX: Final = 2_048
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80
#: Ports that browsers do not post to either, since what listens there could take a request for
#: its own protocol. Source: the Fetch standard, "bad port".
BAD_PORTS: Final = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161),
        *(179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563),
        *(587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060),
        *(5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
#: Names that are never public. What any other name leads to is seen when it is looked up.
_PRIVATE_ENDINGS: Final = (
    *(".localhost", ".local", ".localdomain", ".internal", ".intranet", ".lan"),
    *(".home.arpa", ".onion"),
)

_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]+)"
    r"(?P<target>[/?][^#]*)?(?P<fragment>#.*)?"
)
#: Controls, blanks and what RFC 3986 has in no URL; a backslash is a slash to browsers.
_UNSAFE: Final = re.compile(r'[\x00-\x20\x7f-\xa0\\"<>^`{|}\u2028\u2029\ud800-\udfff]')
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:@]+))(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAME_LENGTH_MAX: Final = 253
#: The last label of what every C library takes for an address, however short.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


class HostPort(NamedTuple):
    """A place: a name in ASCII and lower case, or an address in its shortest form."""

    host: str
    port: int


class UrlRefused(Exception):
    """A URL that is not posted to."""

    def __init__(self, fault: SendFault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a URL points. `path` has the query. `is_dangerous`: the operator lets it be private."""

    is_tls: bool
    place: HostPort
    path: str
    address: Address | None
    is_dangerous: bool

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        host = f"[{self.place.host}]" if ":" in self.place.host else self.place.host
        usual = HTTPS_PORT if self.is_tls else HTTP_PORT
        return host if self.place.port == usual else f"{host}:{self.place.port}"


def read_url(url: str, dangerous: Collection[HostPort] = ()) -> Target:
    """Return where *url* points.

    Args:
        dangerous: places that may have private addresses, any port, and http.

    Raises:
        UrlRefused: it is no URL, not https, or visibly not public.
    """
    target = _target(url, dangerous)
    if not target.is_dangerous:
        _must_be_public(target)
    return target


def place_of(url: str) -> HostPort:
    """Return the place that *url* points to, wherever that is.

    Raises:
        UrlRefused: it is no URL of http or https.
    """
    return _target(url, ()).place


def _target(url: str, dangerous: Collection[HostPort]) -> Target:
    if len(url) > URL_LENGTH_MAX or _UNSAFE.search(url):
        raise UrlRefused(SendFault.URL_MALFORMED)
    parts = _URL.fullmatch(url)
    if parts is None:
        raise UrlRefused(SendFault.URL_MALFORMED)
    scheme, authority = parts["scheme"].lower(), parts["authority"]
    if scheme not in {"https", "http"}:
        raise UrlRefused(SendFault.URL_NOT_HTTPS)
    if "@" in authority:
        raise UrlRefused(SendFault.URL_HAS_USER)
    if parts["fragment"] is not None:
        raise UrlRefused(SendFault.URL_HAS_FRAGMENT)
    is_tls = scheme == "https"
    place, address = _place(authority, HTTPS_PORT if is_tls else HTTP_PORT)
    return Target(
        is_tls=is_tls,
        place=place,
        path=_path(parts["target"] or "/"),
        address=address,
        is_dangerous=place in dangerous,
    )


def read_host_port(text: str) -> HostPort:
    """Return the place that `host:port` names; for settings.

    Raises:
        ValueError: it is none.
    """
    try:
        place, _ = _place(text, 0)
    except UrlRefused:
        raise ValueError("must be host:port") from None
    if not place.port:
        raise ValueError("must be host:port")
    return place


def _path(target: str) -> str:
    path = target if target.startswith("/") else f"/{target}"
    if not path.isascii() or _BROKEN_ESCAPE.search(path):
        raise UrlRefused(SendFault.URL_MALFORMED)
    return path


def _place(authority: str, usual_port: int) -> tuple[HostPort, Address | None]:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise UrlRefused(SendFault.URL_HOST)
    port = int(parts["port"] or usual_port)
    if port > 65_535:
        raise UrlRefused(SendFault.URL_PORT)
    try:
        host, address = _v6(parts["v6"]) if parts["v6"] else _name_or_v4(parts["host"])
    except ValueError:  # Also what idna raises.
        raise UrlRefused(SendFault.URL_HOST) from None
    return HostPort(host, port), address


def _v6(text: str) -> tuple[str, Address]:
    address = ipaddress.IPv6Address(text)
    return address.compressed, address


def _name_or_v4(text: str) -> tuple[str, Address | None]:
    """Return the host in ASCII, and its address where it is one.

    Raises:
        ValueError: it is neither a name nor an address in its usual form.
    """
    name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    if len(name) > _NAME_LENGTH_MAX or not _NAME.fullmatch(name):
        raise ValueError("not a name")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        if not text.isascii():
            raise ValueError("an address in letters that are none")
        # Four decimal numbers without zeros in front; the library takes nothing else.
        return name, ipaddress.IPv4Address(name)
    for label in labels:
        if label.startswith("xn--"):
            idna.decode(label)
    return name, None


def _must_be_public(target: Target) -> None:
    if not target.is_tls:
        raise UrlRefused(SendFault.URL_NOT_HTTPS)
    if target.place.port in BAD_PORTS:
        raise UrlRefused(SendFault.URL_PORT)
    if target.address is not None:
        if not is_public(target.address):
            raise UrlRefused(SendFault.URL_ADDRESS)
        return
    host = target.place.host
    if "." not in host or host.endswith(_PRIVATE_ENDINGS):
        raise UrlRefused(SendFault.URL_HOST)
