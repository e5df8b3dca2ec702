"""adopt: our record of a line or a device takes the values that its panel was seen to hold."""

from __future__ import annotations

from typing import Final

from gateway.domain.audit import Phase
from gateway.domain.caller import Caller
from gateway.domain.drifts import Drift, DriftEnd, DriftKind
from gateway.domain.errors import StateConflict
from gateway.domain.subscriptions import Subscription
from gateway.services import policy as rules
from gateway.services.action import Action
from gateway.services.comparing import ROWS, adopted
from gateway.services.context import Outcome
from gateway.services.drift_records import closed
from gateway.services.idempotency import write_once
from gateway.services.noun import Noun, ObservedT, ResourceT, owner_of
from gateway.services.ports.store import Store
from gateway.services.records import differences
from gateway.services.telling import tell_resource

#: The others have no values: what is not there, or not shown, cannot be taken over.
_WITH_VALUES: Final = frozenset({DriftKind.CHANGED, DriftKind.REPLACED})


async def adopt(
    act: Action, noun: Noun[ResourceT, ObservedT], resource_id: str
) -> Outcome[ObservedT]:
    """Take the panel's values into our record; the panel is asked nothing and told nothing.

    Where no drift is known, nothing changes.

    Raises:
        NotFound, VersionMismatch
        StateConflict: not changeable, a change is under way, or there are no values to take.
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: a reseller, and values that it could not
            set itself.
    """

    async def change(store: Store) -> ObservedT:
        rows = noun.rows(store)
        resource = await rows.get(resource_id)
        act.check_version(resource.version)
        resource.must_be_changeable()
        drift = await store.drifts.find_open(resource_id)
        if drift is None:
            return noun.observed(resource, None)
        if drift.kind not in _WITH_VALUES:
            raise StateConflict(f"This {noun.word} is {drift.kind} on its panel: it has no values.")
        if await store.operations.find_open(resource_id) is not None:
            raise StateConflict("An earlier change of it is not settled yet.")
        wanted = adopted(resource, drift.differences)
        await _check(act.context.caller, store, resource, wanted, drift)
        now = act.ports.clock.now()
        after = wanted.changed(now)
        await rows.save(after)
        await store.drifts.save(closed(drift, now, DriftEnd.ADOPTED))
        old, new = differences(resource, after, act.ports.sealer)
        entry = act.entry(
            Phase.SUCCEEDED,
            resource_id=resource_id,
            owner=owner_of(resource),
            before=old,
            after=new,
        )
        await store.audit.append(entry)
        await tell_resource(store, act.ports, "updated", after)
        return noun.observed(after, None)

    outcome = await write_once(act, noun.observed_type, change)
    if outcome.dry_run is None:
        async with act.read() as store:
            present = await noun.rows(store).get(resource_id)
        await act.ports.cache.raise_epoch(resource_id, present.epoch)
    return outcome


async def _check(
    caller: Caller, store: Store, before: Subscription, after: Subscription, drift: Drift
) -> None:
    """Let a reseller take only what it could have set itself."""
    names = {it.field for it in drift.differences}
    rules.refuse_operator_fields(caller, sorted(_for_operators(names, before, after)))
    policy = await rules.policy_of(caller, store, before)
    if policy is None:
        return
    if "max_connections" in names:
        rules.check_connections(policy, after.max_connections)
    if "bouquet_ids" in names:
        rules.check_bouquets(policy, after.panel_id, after.bouquet_ids)
    if after.is_restreamer and not before.is_restreamer:
        rules.check_restream(policy)
    if after.is_trial and not before.is_trial:
        rules.refuse_new_trial()


def _for_operators(names: set[str], before: Subscription, after: Subscription) -> set[str]:
    """Return the fields that are not a reseller's: bans, other rows, and time it did not buy."""
    found = names & {"admin_enabled", *ROWS}
    longer = before.expires_at is not None and (
        after.expires_at is None or after.expires_at > before.expires_at
    )
    return found | {"expires_at"} if longer else found
