"""Deliveries of billing systems: whether they are theirs, and what they say of themselves.

Signatures are over the raw body. Every comparison is in constant time, and every secret is tried
with every signature, so that nothing tells which one nearly fitted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gateway.domain.clock import to_unix
from gateway.domain.errors import MalformedBody, Unauthenticated
from gateway.domain.inbound import Received, SourceKind, standard_key
from gateway.domain.inbound_rules import moment_of
from gateway.domain.secrets import Secret

#: How far the time in a signature may be from ours, either way; Stripe's and the standard's own.
TOLERANCE_SECONDS: Final = 300
#: Signatures in one header; more are not looked at.
SIGNATURES_MAX: Final = 20

STRIPE: Final = "stripe-signature"
WOO_SIGNATURE: Final = "x-wc-webhook-signature"
WOO_TOPIC: Final = "x-wc-webhook-topic"
WOO_DELIVERY: Final = "x-wc-webhook-delivery-id"
STANDARD_ID: Final = "webhook-id"
STANDARD_TIME: Final = "webhook-timestamp"
STANDARD_SIGNATURE: Final = "webhook-signature"

#: All that is read of a delivery's headers.
HEADERS: Final = (
    *(STRIPE, WOO_SIGNATURE, WOO_TOPIC, WOO_DELIVERY),
    *(STANDARD_ID, STANDARD_TIME, STANDARD_SIGNATURE),
)
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_NAME: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
#: What WooCommerce sends, unsigned, when a webhook is saved; it wants 200.
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")

Headers = Mapping[str, str]


def is_ping(kind: SourceKind, headers: Headers, body: bytes) -> bool:
    """Tell whether this is WooCommerce's test of the address; it says nothing, and has no proof."""
    if kind is not SourceKind.WOOCOMMERCE or WOO_SIGNATURE in headers:
        return False
    return _PING.fullmatch(body) is not None


def verify(
    kind: SourceKind, secrets: Iterable[Secret], headers: Headers, body: bytes, now: datetime
) -> None:
    """Find out whether a delivery was signed with one of *secrets*, and lately.

    Raises:
        Unauthenticated: it was not. WooCommerce signs no time.
    """
    keys = [each.reveal() for each in secrets]
    match kind:
        case SourceKind.STRIPE:
            good = _stripe(keys, headers, body, now)
        case SourceKind.WOOCOMMERCE:
            wanted = [b64encode(_mac(key.encode(), body)) for key in keys]
            good = _fits(wanted, [headers.get(WOO_SIGNATURE, "")])
        case SourceKind.STANDARD_WEBHOOKS:
            good = _standard(keys, headers, body, now)
    if not good:
        raise Unauthenticated("The signature does not fit, or is too old.")


def _stripe(keys: list[str], headers: Headers, body: bytes, now: datetime) -> bool:
    parts = [part.partition("=") for part in headers.get(STRIPE, "").split(",")[:SIGNATURES_MAX]]
    times = [value for name, _, value in parts if name.strip() == "t"]
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or not _is_recent(times[0], now):
        return False
    signed = times[0].encode() + b"." + body
    return _fits([_mac(key.encode(), signed).hex().encode() for key in keys], given)


def _standard(keys: list[str], headers: Headers, body: bytes, now: datetime) -> bool:
    name, time = headers.get(STANDARD_ID, ""), headers.get(STANDARD_TIME, "")
    if not _NAME.fullmatch(name) or not _is_recent(time, now):
        return False
    signatures = headers.get(STANDARD_SIGNATURE, "").split(" ")[:SIGNATURES_MAX]
    given = [each.removeprefix("v1,") for each in signatures if each.startswith("v1,")]
    signed = b".".join((name.encode(), time.encode(), body))
    good = [key for key in map(standard_key, keys) if key]  # With no key, anybody could sign.
    return _fits([b64encode(_mac(key, signed)) for key in good], given)


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()


def _fits(wanted: list[bytes], given: list[str]) -> bool:
    """Compare all with all, whatever was found already."""
    fitting = [
        hmac.compare_digest(one, other.encode("utf-8", "replace"))
        for one in wanted
        for other in given
    ]
    return sum(fitting) > 0


def _is_recent(text: str, now: datetime) -> bool:
    if not _SECONDS.fullmatch(text):
        return False
    return abs(int(text) - to_unix(now)) <= TOLERANCE_SECONDS


def read(kind: SourceKind, headers: Headers, body: bytes, now: datetime) -> Received:
    """Return what a verified delivery says of itself.

    Raises:
        MalformedBody: it is not a JSON object, or does not say which event it is.
    """
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedBody("The body is not JSON.") from None
    if not isinstance(payload, dict):
        raise MalformedBody("The body is not a JSON object.")
    return described(kind, headers, payload, body, now)


def described(
    kind: SourceKind, headers: Headers, payload: dict[str, Any], body: bytes, now: datetime
) -> Received:
    """Return which event a payload is, of which type and moment; *now* where it does not say.

    WooCommerce's delivery id is not signed, and two deliveries of one second share it: so there an
    event is named by what it says.

    Raises:
        MalformedBody: it does not say which event it is.
    """
    signed_at: object = None
    match kind:
        case SourceKind.STRIPE:
            event_id, moment = payload.get("id"), payload.get("created")
            event_type = payload.get("type")
            signed_at = _number(re.search(r"(?:^|,)\s*t=([0-9]{1,12})", headers.get(STRIPE, "")))
        case SourceKind.WOOCOMMERCE:
            event_type = headers.get(WOO_TOPIC) or "unknown"
            digest = hashlib.sha256(event_type.encode() + b"\n" + body).hexdigest()
            event_id, moment = f"sha256:{digest}", payload.get("date_modified_gmt")
        case SourceKind.STANDARD_WEBHOOKS:
            event_id, moment = headers.get(STANDARD_ID), payload.get("timestamp")
            event_type = payload.get("type", "unknown")
            signed_at = _number(re.fullmatch(r"([0-9]{1,12})", headers.get(STANDARD_TIME, "")))
    if not isinstance(event_id, str) or not _NAME.fullmatch(event_id):
        raise MalformedBody("The delivery does not say which event it is.")
    if not isinstance(event_type, str) or not 1 <= len(event_type) <= 100:
        raise MalformedBody("The delivery does not say of which type the event is.")
    return Received(
        event_id=event_id,
        type=event_type,
        occurred_at=moment_of(moment) or moment_of(signed_at) or now.astimezone(UTC),
        payload=payload,
    )


def _number(match: re.Match[str] | None) -> int | None:
    return None if match is None else int(match[1])
