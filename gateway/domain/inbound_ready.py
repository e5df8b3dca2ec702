"""Rules that are ready: for Stripe's subscriptions, and for those of WooCommerce Subscriptions.

Neither ends a line for good. A subscription that is over suspends its line, which a later payment
brings back; and so its events lead to the same state in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Where Stripe has the metadata of a subscription: on itself; on an invoice by API version
#: (2025-03-31 and later, then earlier ones); on the invoice's first line.
_STRIPE_NAME: Final = [
    "data.object.metadata.external_id",
    "data.object.parent.subscription_details.metadata.external_id",
    "data.object.subscription_details.metadata.external_id",
    "data.object.lines.data[0].metadata.external_id",
]
_STRIPE_STATUS: Final = "data.object.status"
_STRIPE_SUBSCRIPTION: Final = ["customer.subscription.created", "customer.subscription.updated"]

_WOO_NAME: Final = ["meta_data[key=external_id].value"]
#: Which resource a delivery is about is read off the body: the topic's header is not signed.
_WOO_SUBSCRIPTION: Final = {"path": "billing_period", "exists": True}
_WOO_ORDER: Final = {"path": "billing_period", "exists": False}


def _woo_subscription(*states: str) -> list[dict[str, Any]]:
    return [_WOO_SUBSCRIPTION, {"path": "status", "in": list(states)}]


READY: Final[Mapping[str, list[dict[str, Any]]]] = {
    "stripe_subscriptions": [
        {
            "types": ["invoice.paid"],
            "do": "renew",
            "external_id": _STRIPE_NAME,
            "until": ["data.object.lines.data[0].period.end"],
            "reference": ["data.object.id"],
        },
        {
            # Later attempts would move the end of the grace each time.
            "types": ["invoice.payment_failed"],
            "when": [{"path": "data.object.attempt_count", "in": [0, 1]}],
            "do": "suspend",
            "grace": "P3D",
            "external_id": _STRIPE_NAME,
        },
        {"types": ["invoice.payment_failed"], "do": "none"},
        {
            "types": _STRIPE_SUBSCRIPTION,
            "when": [{"path": _STRIPE_STATUS, "in": ["active", "trialing"]}],
            "do": "resume",
            "external_id": _STRIPE_NAME,
        },
        {
            "types": _STRIPE_SUBSCRIPTION,
            "when": [
                {
                    "path": _STRIPE_STATUS,
                    "in": ["unpaid", "paused", "canceled", "incomplete_expired"],
                }
            ],
            "do": "suspend",
            "external_id": _STRIPE_NAME,
        },
        {
            "types": ["customer.subscription.deleted"],
            "do": "suspend",
            "external_id": _STRIPE_NAME,
        },
    ],
    "woocommerce_subscriptions": [
        {
            "when": [
                *_woo_subscription("active"),
                {"path": "next_payment_date_gmt", "equals": ""},
            ],
            "do": "resume",
            "external_id": _WOO_NAME,
        },
        {
            "when": [
                *_woo_subscription("active"),
                {"path": "next_payment_date_gmt", "exists": True},
            ],
            "do": "renew",
            "external_id": _WOO_NAME,
            "until": ["next_payment_date_gmt"],
            "reference": ["id", "next_payment_date_gmt"],
        },
        {"when": _woo_subscription("active"), "do": "resume", "external_id": _WOO_NAME},
        {
            "when": _woo_subscription("on-hold"),
            "do": "suspend",
            "grace": "P3D",
            "external_id": _WOO_NAME,
        },
        {
            "when": _woo_subscription("cancelled", "expired"),
            "do": "suspend",
            "external_id": _WOO_NAME,
        },
        {"when": _woo_subscription("pending-cancel", "pending"), "do": "none"},
        {
            "when": [_WOO_ORDER, {"path": "status", "in": ["processing", "completed"]}],
            "do": "resume",
            "external_id": _WOO_NAME,
        },
        {
            "when": [_WOO_ORDER, {"path": "status", "equals": "refunded"}],
            "do": "suspend",
            "external_id": _WOO_NAME,
        },
    ],
}
