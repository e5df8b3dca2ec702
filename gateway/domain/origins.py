"""Web origins (RFC 6454): `scheme://host[:port]`, in the form in which browsers send them."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

ORIGINS_MAX: Final = 50
#: A host name of 253 characters, `https://` and a port.
ORIGIN_LENGTH_MAX: Final = 267
#: Hosts of the machine itself; what is sent to them in the clear does not leave it.
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")

_LABEL: Final = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_ORIGIN: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]{{2,45}}\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PORT_MAX: Final = 65_535
_HOST_LENGTH_MAX: Final = 253


def normal_origin(text: str) -> str:
    """Return *text* as browsers send it: in lower case, without the scheme's own port.

    Raises:
        ValueError: no origin that may be allowed; the message says why. `*` and `null` are none:
            they would let every page in.
    """
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        raise ValueError("This must be scheme://host or scheme://host:port, and nothing more.")
    scheme, host, port = match["scheme"], _normal_host(match["host"]), match["port"]
    if scheme == "http" and host not in LOCAL_HOSTS:
        raise ValueError(f"This must begin with https; http is for {', '.join(LOCAL_HOSTS)} only.")
    if port is None or int(port) == _DEFAULT_PORTS[scheme]:
        return f"{scheme}://{host}"
    if int(port) > _PORT_MAX:
        raise ValueError(f"A port is at most {_PORT_MAX}.")
    return f"{scheme}://{host}:{port}"


def _normal_host(host: str) -> str:
    try:
        if host.startswith("["):
            return f"[{IPv6Address(host[1:-1])}]"
        # A browser reads a name whose last label begins with a digit as an address, or not at all.
        if host.rpartition(".")[2][0].isdigit():
            return str(IPv4Address(host))
    except AddressValueError:
        raise ValueError("There is no such address.") from None
    if len(host) > _HOST_LENGTH_MAX:
        raise ValueError(f"A host name has at most {_HOST_LENGTH_MAX} characters.")
    return host
