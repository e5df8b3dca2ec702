"""Addresses that the gateway itself may ask for an issuer's keys."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_fetchable(url: object, *, dangerous_http: bool) -> bool:
    """Tell whether *url* is an https address, or, where that is allowed, http of this machine."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (
        dangerous_http and parts.scheme == "http" and _is_this_machine(host)
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
