"""What billing systems deliver: payloads in the shape that they have, signed as they sign.

The shapes are those of Stripe's API of 2025-03-31 and later, and of WooCommerce Subscriptions'
REST API v3; members that no rule reads are left out, but for a few that hold personal data.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.world import World

STRIPE_SECRET = "whsec_stripe_signing_secret"
WOO_SECRET = "woocommerce webhook secret".replace(" ", "-")
STANDARD_SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
SECRETS = {
    "stripe": STRIPE_SECRET,
    "woocommerce": WOO_SECRET,
    "standard_webhooks": STANDARD_SECRET,
}
_numbers = itertools.count(1)


def now() -> datetime:
    """Return this second."""
    return datetime.now(UTC).replace(microsecond=0)


# --- payloads -------------------------------------------------------------------------------------


def stripe_event(type_: str, obj: dict[str, Any], *, at: datetime, **more: Any) -> dict[str, Any]:
    """Return an event of Stripe's."""
    return {
        "id": f"evt_{next(_numbers):08d}",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": int(at.timestamp()),
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
        "data": {"object": obj},
    } | more


def invoice(
    external_id: str, end: datetime, *, name: str | None = None, attempts: int = 1, **more: Any
) -> dict[str, Any]:
    """Return an invoice of Stripe's; the subscription's metadata is in its parent."""
    metadata = {"external_id": external_id}
    start = end - timedelta(days=30)
    return {
        "id": name or f"in_{next(_numbers):08d}",
        "object": "invoice",
        "attempt_count": attempts,
        "billing_reason": "subscription_cycle",
        "customer_email": "anna@example.test",
        "metadata": {},
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"metadata": metadata, "subscription": "sub_1"},
        },
        "lines": {
            "object": "list",
            "data": [
                {
                    "id": "il_1",
                    "object": "line_item",
                    "metadata": metadata,
                    "period": {
                        "start": int(start.timestamp()),
                        "end": int(end.timestamp()),
                    },
                }
            ],
        },
    } | more


def subscription(external_id: str, status: str) -> dict[str, Any]:
    """Return a subscription of Stripe's."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "status": status,
        "customer": "cus_1",
        "metadata": {"external_id": external_id},
        "items": {"object": "list", "data": [{"id": "si_1", "current_period_end": 1}]},
    }


def gmt(moment: datetime | None) -> str:
    """Return a time as WooCommerce writes it; none: an empty text."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def woo_subscription(
    external_id: str, status: str, *, at: datetime, until: datetime | None = None
) -> dict[str, Any]:
    """Return a subscription of WooCommerce Subscriptions."""
    return {
        "id": 727,
        "parent_id": 726,
        "status": status,
        "date_modified_gmt": gmt(at),
        "billing_period": "month",
        "billing_interval": "1",
        "next_payment_date_gmt": gmt(until),
        "billing": {"first_name": "Anna", "email": "anna@example.test"},
        "meta_data": [
            {"id": 1, "key": "_other", "value": {"nested": True}},
            {"id": 2, "key": "external_id", "value": external_id},
        ],
    }


def woo_order(external_id: str, status: str, *, at: datetime) -> dict[str, Any]:
    """Return an order of WooCommerce's."""
    return {
        "id": 911,
        "status": status,
        "date_modified_gmt": gmt(at),
        "total": "9.90",
        "meta_data": [
            {"id": 3, "key": "_subscription_renewal", "value": "727"},
            {"id": 4, "key": "external_id", "value": external_id},
        ],
    }


# --- signatures -----------------------------------------------------------------------------------


def mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()


def stripe_headers(
    body: bytes, *, secret: str = STRIPE_SECRET, at: datetime | None = None
) -> dict[str, str]:
    seconds = str(int((at or now()).timestamp()))
    signature = mac(secret.encode(), f"{seconds}.".encode() + body).hex()
    return {"Stripe-Signature": f"t={seconds},v1={signature},v0={'0' * 64}"}


def woo_headers(
    body: bytes, *, topic: str = "subscription.updated", secret: str = WOO_SECRET
) -> dict[str, str]:
    resource, _, event = topic.partition(".")
    return {
        "X-WC-Webhook-Source": "https://shop.example/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-ID": "5",
        "X-WC-Webhook-Delivery-ID": "9b2f36d4c5f6e4a0c1c1b2f0e0a5b7d3",
        "X-WC-Webhook-Signature": base64.b64encode(mac(secret.encode(), body)).decode(),
    }


def standard_headers(
    body: bytes, name: str, *, secret: str = STANDARD_SECRET, at: datetime | None = None
) -> dict[str, str]:
    seconds = str(int((at or now()).timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(mac(key, f"{name}.{seconds}.".encode() + body)).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1a,AAAA v1,{signature}",
    }


# --- a source in a world --------------------------------------------------------------------------


def written(payload: object) -> bytes:
    return json.dumps(payload).encode()


@dataclass(slots=True)
class Source:
    """Reseller A's source, and what it delivers."""

    world: World
    id: str

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        """Deliver bytes as they are, without any key of ours."""
        headers = {"Content-Type": "application/json"} | headers
        return await self.world.client.post(f"/v1/inbound/{self.id}", content=body, headers=headers)

    async def stripe(self, *events: dict[str, Any]) -> None:
        """Deliver events of Stripe's; each is accepted."""
        for event in events:
            body = written(event)
            answer = await self.post(body, stripe_headers(body))
            assert (answer.status_code, answer.content) == (202, b""), answer.text

    async def woo(self, payload: dict[str, Any], topic: str = "subscription.updated") -> None:
        """Deliver a resource of WooCommerce's; it is accepted."""
        body = written(payload)
        answer = await self.post(body, woo_headers(body, topic=topic))
        assert answer.status_code == 202, answer.text

    async def events(self) -> list[dict[str, Any]]:
        """Return the log, the oldest first."""
        found = await self.world.a.api.ok("GET", f"/v1/inbound-sources/{self.id}/events")
        events: list[dict[str, Any]] = found["data"]
        return events[::-1]

    async def states(self) -> list[str]:
        return [event["state"] for event in await self.events()]


async def a_source(world: World, kind: str = "stripe", rules: object = None) -> Source:
    """Return a new source of reseller A's, by default with the ready rules of its kind."""
    ready = {"stripe": "stripe_subscriptions", "woocommerce": "woocommerce_subscriptions"}
    made = await world.a.api.ok(
        "POST",
        "/v1/inbound-sources",
        {"kind": kind, "secrets": [SECRETS[kind]], "rules": rules or ready[kind]},
        status=201,
    )
    return Source(world, made["id"])
