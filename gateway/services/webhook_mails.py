"""Writing to the operators that an endpoint was disabled.

That it is to be done is in the row of the endpoint, written with what disabled it. It is leased,
sent and marked, so a mail may come twice, then with the same Message-ID.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.domain.caller import Permission
from gateway.domain.webhooks import DisabledReason, Endpoint, shown_url
from gateway.services.action import Action, action
from gateway.services.ports.mailer import Mail, Mailed
from gateway.services.telling import moment

log = structlog.get_logger(__name__)

#: Longer than sending can take.
LEASE: Final = timedelta(minutes=5)
PAUSE_MIN: Final = timedelta(minutes=1)
PAUSE_MAX: Final = timedelta(hours=1)
#: After that it is old news.
TRIED_FOR: Final = timedelta(days=3)
_WHY: Final = {
    DisabledReason.GONE: "It answered 410 (gone), which means that it wants no more.",
    DisabledReason.FAILING: "Nothing has got through for five days.",
}


@action("webhook_endpoint.mail", needs=Permission.WEBHOOKS_WRITE)
async def mail_disabled(act: Action) -> int:
    """Write of one endpoint; return how many there were to write of."""
    mailer = act.ports.mailer
    if mailer is None:
        return 0
    now = act.ports.clock.now()
    async with act.write() as store:
        endpoint = await store.endpoints.take_mail_due(now, now + LEASE)
    if endpoint is None:
        return 0
    mailed = await mailer.send(mail_of(endpoint))
    ended = act.ports.clock.now()
    next_at = _next_at(endpoint, ended) if mailed is Mailed.LATER else None
    if next_at is None and mailed is not Mailed.SENT:
        log.warning("webhook.mail_given_up", endpoint_id=endpoint.id, mailed=mailed.name.lower())
    act.ports.metrics.mail(mailed.name.lower())
    async with act.write() as store:
        await store.endpoints.set_mail_at(endpoint.id, endpoint.mail_at, next_at)
    return 1


def mail_of(endpoint: Endpoint) -> Mail:
    """Return what is written of an endpoint that was disabled; it holds no secret."""
    reason = endpoint.disabled_reason
    owner = "the operator" if endpoint.reseller_id is None else f"reseller {endpoint.reseller_id}"
    lines = (
        f"The webhook endpoint {endpoint.id} of {owner} was disabled.",
        "",
        f"Address: {shown_url(endpoint.url)}",
        f"When:    {moment(endpoint.updated_at)}",
        f"Why:     {'' if reason is None else _WHY.get(reason, reason.value)}",
        "",
        "It gets no events until somebody makes it active again:",
        f'  PATCH /v1/webhook-endpoints/{endpoint.id} {{"state": "active"}}',
        "What it has missed can be sent then:",
        f'  POST /v1/webhook-endpoints/{endpoint.id}/recover {{"since": "..."}}',
        "",
    )
    return Mail(
        name=f"{endpoint.id}.{endpoint.version}",
        subject=f"Webhook endpoint {endpoint.id} was disabled",
        text="\n".join(lines),
    )


def _next_at(endpoint: Endpoint, now: datetime) -> datetime | None:
    """Return when to try again: later and later, and not for ever."""
    age = now - endpoint.updated_at
    return None if age > TRIED_FOR else now + min(max(age, PAUSE_MIN), PAUSE_MAX)
