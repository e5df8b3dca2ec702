"""Telling a reseller that its credits on a panel are low: below a threshold that it sets itself.

Told once when they fall to it, and again only after they had risen a tenth above it, so that a
balance that moves around the threshold tells nothing twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.catalog import CreditAlert, PanelBalance, Threshold
from gateway.domain.events import EventType
from gateway.domain.ids import ResellerId
from gateway.domain.resellers import Reseller
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.credits import balances_of, whose_credits
from gateway.services.idempotency import write_once
from gateway.services.ports.store import Store
from gateway.services.telling import About, moment, tell

#: How many resellers are read at once.
BATCH: Final = 100
#: How far above the threshold a balance must rise before its next fall is told.
RISEN: Final = Decimal("1.1")


@action("credits.set_threshold", needs=Permission.CREDITS_READ, is_audited=True)
async def set_threshold(
    act: Action, reseller_id: ResellerId | None, low_threshold: str | None
) -> Outcome[Threshold]:
    """Set below what a reseller is told; None: it is told no more. Safe to repeat.

    It only says when to tell who may read the balance anyway, so reading is all it needs.

    Raises:
        NotFound: there is no such reseller.
        InvalidRequest: an operator named none.
    """
    whose = whose_credits(act, reseller_id, pointer="/reseller_id")
    wanted = Threshold(reseller_id=whose, low_threshold=low_threshold)

    async def change(store: Store) -> Threshold:
        reseller = await store.resellers.get(whose)
        before = await store.credit_alerts.find(whose)
        known = None if before is None else before.low_threshold
        if known == low_threshold:
            return wanted
        if low_threshold is None:
            await store.credit_alerts.delete(whose)
        else:
            alert = CreditAlert(reseller_id=whose, low_threshold=low_threshold)
            await store.credit_alerts.put(reseller, alert)
        entry = act.entry(
            Phase.SUCCEEDED,
            resource_id=whose,
            owner=Owner(whose, reseller.owner_path),
            before={"low_threshold": known},
            after={"low_threshold": low_threshold},
        )
        await store.audit.append(entry)
        return wanted

    return await write_once(act, Threshold, change)


@action("credits.watch", needs=Permission.OPERATIONS_RESOLVE)
async def watch_credits(act: Action) -> int:
    """Look at the balances of all who set a threshold; return how many there are.

    A panel is asked as `GET /v1/credits` asks it: once in five minutes, for all together.

    Raises:
        ServiceUnavailable: our database is down.
    """
    count, after = 0, None
    while True:
        async with act.read() as store:
            alerts = await store.credit_alerts.list_after(after, BATCH)
        for alert in alerts:
            await _watch(act, alert.reseller_id)
        count += len(alerts)
        if len(alerts) < BATCH:
            return count
        after = alerts[-1].reseller_id


async def _watch(act: Action, reseller_id: ResellerId) -> None:
    async with act.read() as store:
        reseller = await store.resellers.get(reseller_id)
    balances = await balances_of(act, reseller)
    async with act.write() as store:
        alert = await store.credit_alerts.find(reseller_id)
        if alert is None:
            return  # It was taken away meanwhile.
        low = {it.panel_id: it for it in balances if _is_low(alert, it)}
        for panel_id, balance in low.items():
            if panel_id not in alert.low_on:
                await _tell(act, store, reseller, alert, balance)
        if set(low) != set(alert.low_on):
            changed = CreditAlert(
                reseller_id=reseller_id,
                low_threshold=alert.low_threshold,
                low_on=tuple(sorted(low)),
            )
            await store.credit_alerts.put(reseller, changed)


def _is_low(alert: CreditAlert, balance: PanelBalance) -> bool:
    """Tell whether a balance counts as low; what is not known counts as it did."""
    was_low = balance.panel_id in alert.low_on
    if balance.balance is None:
        return was_low
    limit = Decimal(alert.low_threshold) * (RISEN if was_low else 1)
    return Decimal(balance.balance) <= limit


async def _tell(
    act: Action, store: Store, reseller: Reseller, alert: CreditAlert, balance: PanelBalance
) -> None:
    about = About(
        resource_id=reseller.id,
        owner_path=reseller.owner_path,
        reseller_id=reseller.id,
        panel_id=balance.panel_id,
    )
    data = {
        "object": "credits",
        "reseller_id": reseller.id,
        "panel_id": balance.panel_id,
        "balance": balance.balance,
        "low_threshold": alert.low_threshold,
        "observed_at": moment(balance.observed_at),
    }
    await tell(store, act.ports, EventType.CREDITS_LOW, about, data)
