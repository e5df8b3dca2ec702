"""What the clock makes happen: lines and devices that expire, or soon will.

A line with an expiry has a few moments: the marks of its reseller's policy before it, such as P7D
and P1D, and the expiry itself. Each is told once, whichever process comes to it: what was told is
written down in the transaction of the event. A moment that had passed when the expiry was set is
not told; a renewal sets a new one, and with it new moments.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

from gateway.domain.caller import Permission
from gateway.domain.ids import ResellerId
from gateway.domain.periods import Period
from gateway.domain.resellers import Policy
from gateway.domain.subscriptions import Status, Subscription
from gateway.services.action import Action, action
from gateway.services.device_noun import DEVICES
from gateway.services.line_noun import LINES
from gateway.services.noun import AnyNoun
from gateway.services.ports.store import Store
from gateway.services.telling import tell_resource

#: How many lines, and how many devices, one tick looks at.
BATCH: Final = 200
#: Of what has no reseller.
_OPERATORS: Final = Policy().expiring_marks


@action("subscription.tell_expiry", needs=Permission.OPERATIONS_RESOLVE)
async def tell_expiries(act: Action) -> int:
    """Tell of a batch of lines and of devices; return of the longer one how many were looked at.

    Raises:
        ServiceUnavailable: our database is down.
    """
    return max([await _tell_batch(act, noun) for noun in (LINES, DEVICES)])


async def _tell_batch(act: Action, noun: AnyNoun) -> int:
    now = act.ports.clock.now()
    marks: dict[ResellerId | None, tuple[str, ...]] = {None: _OPERATORS}
    async with act.write() as store:
        due = await noun.rows(store).take_telling(now, BATCH)
        for resource, since in due:
            reseller_id = resource.reseller_id
            if reseller_id not in marks:
                policy = (await store.resellers.get(reseller_id)).policy
                marks[reseller_id] = policy.expiring_marks
            await _tell_one(act, noun, store, resource, since, now, marks[reseller_id])
    return len(due)


async def _tell_one(
    act: Action,
    noun: AnyNoun,
    store: Store,
    resource: Subscription,
    since: datetime,
    now: datetime,
    marks: tuple[str, ...],
) -> None:
    """Tell what came due from *since* to *now*, and note when to look next."""
    moments = moments_of(resource, marks)
    for at, mark in moments:
        if not since <= at <= now:
            continue
        if mark is None:
            await tell_resource(store, act.ports, "expired", resource)
        elif resource.expires_at is not None and resource.expires_at > now:
            await tell_resource(store, act.ports, "expiring", resource, mark=mark)
    ahead = [at for at, _ in moments if at > now]
    await noun.rows(store).set_telling(noun.id_of(resource), min(ahead, default=None))


def moments_of(resource: Subscription, marks: tuple[str, ...]) -> list[tuple[datetime, str | None]]:
    """Return when there is something to tell of it, and the mark; None: it has expired then."""
    end = resource.expires_at
    if resource.status is not Status.LIVE or end is None:
        return []
    found: list[tuple[datetime, str | None]] = [(end, None)]
    for mark in dict.fromkeys(marks):
        with suppress(OverflowError):  # Longer ago than the calendar goes: nothing to tell.
            found.append((Period.parse(mark).before(end), mark))
    return sorted(found, key=lambda it: it[0])
