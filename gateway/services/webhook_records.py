"""Webhook endpoints in the audit log: what differs, with addresses that give no token away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.domain.webhooks import Endpoint, shown_url
from gateway.services.records import PURPOSE, Digester, differences, facts_of

if TYPE_CHECKING:
    from gateway.services.ports.sealer import Sealer


def endpoint_differences(
    before: Endpoint | None, after: Endpoint, sealer: Sealer
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the values that differ, as they were (None: there was nothing) and as they are."""
    old = None if before is None else _masked(before, sealer)
    return differences(old, _masked(after, sealer), sealer)


def endpoint_facts(endpoint: Endpoint, sealer: Sealer) -> dict[str, Any]:
    """Return an endpoint's values as JSON can hold them."""
    return facts_of(_masked(endpoint, sealer), sealer)


def _masked(endpoint: Endpoint, sealer: Digester) -> Endpoint:
    """Put a keyed digest in the place of what the address hides, so that a change is still seen."""
    shown = shown_url(endpoint.url)
    if shown != endpoint.url:
        shown = f"{shown} ({sealer.digest(endpoint.url.encode(), PURPOSE)})"
    return replace(endpoint, url=shown)
