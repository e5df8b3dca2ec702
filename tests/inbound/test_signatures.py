"""Only what a source itself has signed, lately and with a good secret, is taken in."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
import stripe
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import MalformedBody, Unauthenticated
from gateway.domain.inbound import SourceKind
from gateway.domain.inbound_signatures import TOLERANCE_SECONDS, read, verify
from gateway.domain.secrets import Secret
from tests.inbound.deliveries import (
    SECRETS,
    STANDARD_SECRET,
    STRIPE_SECRET,
    standard_headers,
    stripe_headers,
    woo_headers,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = b'{"id": "evt_1", "type": "invoice.paid", "created": 1772366400}'
OTHER = {
    "stripe": "whsec_another_secret",
    "woocommerce": "another-secret",
    "standard_webhooks": "whsec_" + base64.b64encode(b"o" * 24).decode(),
}


def headers_for(
    kind: str, body: bytes = BODY, *, secret: str | None = None, at: datetime = NOW
) -> dict[str, str]:
    """Return what a sender of *kind* sends beside *body*, by lower-case names."""
    secret = secret or SECRETS[kind]
    made = {
        "stripe": lambda: stripe_headers(body, secret=secret, at=at),
        "woocommerce": lambda: woo_headers(body, secret=secret),
        "standard_webhooks": lambda: standard_headers(body, "msg_1", secret=secret, at=at),
    }[kind]()
    return {name.lower(): value for name, value in made.items()}


def is_good(
    kind: str, headers: dict[str, str], body: bytes = BODY, *secrets: str, now: datetime = NOW
) -> bool:
    try:
        known = [Secret(each) for each in secrets or (SECRETS[kind],)]
        verify(SourceKind(kind), known, headers, body, now)
    except Unauthenticated:
        return False
    return True


KINDS = pytest.mark.parametrize("kind", list(SECRETS))
TIMED = pytest.mark.parametrize("kind", ["stripe", "standard_webhooks"])


@KINDS
def test_any_of_several_secrets_is_good_and_no_other(kind: str) -> None:
    headers = headers_for(kind)
    assert is_good(kind, headers)
    assert is_good(kind, headers, BODY, OTHER[kind], SECRETS[kind])
    assert not is_good(kind, headers, BODY, OTHER[kind])
    assert not is_good(kind, {})


@KINDS
def test_one_changed_byte_of_the_body_is_refused(kind: str) -> None:
    headers = headers_for(kind)
    for place in range(len(BODY)):
        changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        assert not is_good(kind, headers, changed)
    assert not is_good(kind, headers, BODY + b" ")
    assert not is_good(kind, headers, b"")


@TIMED
@pytest.mark.parametrize("sign", [1, -1], ids=["old", "from-the-future"])
def test_a_signature_is_good_for_five_minutes(kind: str, sign: int) -> None:
    headers = headers_for(kind)
    assert is_good(kind, headers, now=NOW + sign * timedelta(seconds=TOLERANCE_SECONDS))
    assert not is_good(kind, headers, now=NOW + sign * timedelta(seconds=TOLERANCE_SECONDS + 1))


def test_one_of_several_signatures_of_stripe_is_enough() -> None:
    signature = headers_for("stripe")["stripe-signature"]
    moment, good, _ = signature.split(",")
    several = f"{moment},v1={'0' * 64},{good}"
    assert is_good("stripe", {"stripe-signature": several})
    for bad in (
        good,
        f"{moment},{good.replace('v1', 'v0')}",
        f"{moment},{moment},{good}",
        f"t=99,{moment},{good}",
        f"{moment}",
        f"{moment},v1=",
        f"{moment},v1=ä",
        f"t=,{good}",
        f"t=1e9,{good}",
    ):
        assert not is_good("stripe", {"stripe-signature": bad}), bad


def test_the_id_and_the_time_of_the_standard_are_signed_too() -> None:
    headers = headers_for("standard_webhooks")
    assert not is_good("standard_webhooks", headers | {"webhook-id": "msg_2"})
    moved = str(int(headers["webhook-timestamp"]) + 1)
    assert not is_good("standard_webhooks", headers | {"webhook-timestamp": moved})
    signature = headers["webhook-signature"].split(" ")[1]
    for bad in (signature.removeprefix("v1,"), signature.replace("v1,", "v2,"), "v1,", ""):
        assert not is_good("standard_webhooks", headers | {"webhook-signature": bad}), bad


def test_what_an_empty_key_would_sign_is_refused() -> None:
    headers = headers_for("standard_webhooks", secret="whsec_")
    assert not is_good("standard_webhooks", headers, BODY, "whsec_")
    assert not is_good("standard_webhooks", headers, BODY, "not base64!")


@given(value=st.text(max_size=200), kind=st.sampled_from(list(SECRETS)))
def test_no_text_in_the_headers_does_harm(value: str, kind: str) -> None:
    names = headers_for(kind)
    assert not is_good(kind, dict.fromkeys(names, value))


def test_what_stripes_own_library_signs_is_good() -> None:
    now = int(time.time())
    sign: Callable[[str, str], str] = stripe.WebhookSignature._compute_signature
    signature = sign(f"{now}.{BODY.decode()}", STRIPE_SECRET)
    header = f"t={now},v1={signature}"
    assert stripe.WebhookSignature.verify_header(BODY.decode(), header, STRIPE_SECRET, 300)
    assert is_good("stripe", {"stripe-signature": header}, now=datetime.fromtimestamp(now, UTC))


def test_what_the_standards_own_library_signs_is_good() -> None:
    signature = standardwebhooks.Webhook(STANDARD_SECRET).sign("msg_1", NOW, BODY.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature,
    }
    assert is_good("standard_webhooks", headers)


# --- what a delivery says of itself ---------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b"{", b'{"id": 1, "type": "x"}', b'{"type": "x"}', b"\xff"),
        *(b'{"id": "evt_1"}', b'{"id": "a b", "type": "x"}', b'{"id": "evt_1", "type": ""}'),
        b"[" * 5_000,
    ],
)
def test_a_body_that_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read(SourceKind.STRIPE, headers_for("stripe"), body, NOW)


def test_two_deliveries_of_woocommerce_with_one_id_are_two_events_if_they_differ() -> None:
    def event(**members: Any) -> str:
        body = json.dumps({"id": 1} | members).encode()
        headers = headers_for("woocommerce", body)
        return read(SourceKind.WOOCOMMERCE, headers, body, NOW).event_id

    assert event(status="active") == event(status="active")
    assert event(status="active") != event(status="on-hold")
