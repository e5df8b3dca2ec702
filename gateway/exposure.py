"""Settings that are fine on one's own machine and dangerous where others can reach the gateway.

Public is a gateway that listens on anything but the loopback, or whose public URL names another
machine than this one: a proxy may stand in front of a loopback address. Then the process refuses to
start with

* encryption keys of the demo, or such that are no random bytes (a text repeated, all zeros);
* a database or a Redis whose password is its user's name or one of the usual defaults;
* `GATEWAY_LOG_LEVEL=debug`, which lets libraries log what they like;
* Python's development mode (`-X dev`, `PYTHONDEVMODE`), which shows more than our own log does.

Missing encryption keys are refused always; see `bootstrap.keyring_of`.
"""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.settings import Settings, SettingsError

#: The id of the key that the demo makes for itself.
DEMO_KEY_ID: Final = "demo"
#: 32 random bytes have fewer different ones about once in 10^30.
DIFFERENT_BYTES_MIN: Final = 12
_OPS_WARNING: Final = (
    "GATEWAY_OPS_BIND is not a loopback address: health and metrics are there without a key; "
    "keep strangers from it."
)
_DEFAULT_PASSWORDS: Final = frozenset(
    {"admin", "changeme", "change-me", "default", "example", "gateway", "password", "postgres"}
    | {"redis", "root", "secret", "test", "xtream"}
)


def check_exposure(settings: Settings) -> None:
    """Refuse what is dangerous where the gateway is public.

    Raises:
        SettingsError: all faults at once, without values.
    """
    if not is_public(settings):
        return
    faults = [
        *_key_faults(settings),
        *_password_faults("GATEWAY_DATABASE_URL", settings.database_url),
        *_password_faults("GATEWAY_REDIS_URL", settings.redis_url),
        *_debug_faults(settings),
    ]
    if faults:
        raise SettingsError("\n".join(faults))


def warnings_of(settings: Settings) -> list[str]:
    """Return what is not refused but should be known; one sentence each."""
    if settings.ops_bind is None or is_local(_host_of_bind(settings.ops_bind)):
        return []
    return [_OPS_WARNING]


def is_public(settings: Settings) -> bool:
    """Tell whether others than this machine may reach the API."""
    hosts = (_host_of_bind(settings.bind), urlsplit(settings.url).hostname or "")
    return not all(is_local(host) for host in hosts)


def is_local(host: str) -> bool:
    """Tell whether *host* is this machine, reached by itself only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host_of_bind(bind: str) -> str:
    return bind.rpartition(":")[0].strip("[]")


def _key_faults(settings: Settings) -> Iterator[str]:
    name = "GATEWAY_ENCRYPTION_KEYS"
    secret = settings.encryption_keys
    for text in (secret.get_secret_value() if secret is not None else "").split(","):
        key_id, _, encoded = text.strip().partition(":")
        if key_id == DEMO_KEY_ID:
            yield f"{name}: the key {key_id} is the demo's, and the gateway is public."
        if 0 < _different_bytes(encoded) < DIFFERENT_BYTES_MIN:
            yield f"{name}: a key is not random, and the gateway is public; make another."


def _different_bytes(encoded: str) -> int:
    try:
        return len(set(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError):
        return 0  # Whoever makes the keyring refuses it.


def _password_faults(name: str, url: str) -> Iterator[str]:
    parts = urlsplit(url)
    password = unquote(parts.password or "").lower()
    if password and (password in _DEFAULT_PASSWORDS or password == unquote(parts.username or "")):
        yield f"{name}: its password is one that anybody would guess, and the gateway is public."


def _debug_faults(settings: Settings) -> Iterator[str]:
    if settings.log_level == "debug":
        yield "GATEWAY_LOG_LEVEL: debug is for your own machine, and the gateway is public."
    if sys.flags.dev_mode:
        yield "Python's development mode is on (PYTHONDEVMODE), and the gateway is public."
