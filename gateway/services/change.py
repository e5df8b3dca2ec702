"""update: a merge patch of a line or a device; only what is named changes, on the panel too."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from gateway.domain.audit import Phase
from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import ExternalIdTaken, Fault, InvalidRequest
from gateway.domain.panels import Panel, SuspendBy
from gateway.domain.resellers import Policy
from gateway.domain.subscriptions import Changes, Subscription, SubscriptionT
from gateway.services import policy as rules
from gateway.services.action import Action
from gateway.services.create import tagged
from gateway.services.kinds import Already, Target, Work
from gateway.services.noun import AnyEdit, Noun, ObservedT, ResourceT, owner_of
from gateway.services.ports.store import Store
from gateway.services.records import differences
from gateway.services.subscription_kind import ObservedEdit
from gateway.services.telling import tell_resource

#: What only our registry holds; a patch of nothing else asks the panel nothing.
_OURS: Final = frozenset({"external_id", "metadata"})
METADATA_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """Which line or device, and what changes.

    `sets_term`: the expiry comes with a put, which anybody may send, and must lie ahead; in a patch
    only operators change it, to any date.
    """

    resource_id: str
    changes: Changes
    sets_term: bool = False


class ChangeKind(ObservedEdit[ChangeRequest, ResourceT, ObservedT]):
    """Check against the policy, edit, read back."""

    request_type = ChangeRequest

    def __init__(self, noun: Noun[ResourceT, ObservedT]) -> None:
        super().__init__(noun, "update")

    async def prepare(
        self, action: Action, store: Store, request: ChangeRequest, operation_id: str
    ) -> Target[ChangeRequest] | Already[ObservedT]:
        caller = action.context.caller
        changes = _whole_seconds(request.changes)
        fields = rules.operator_fields_changed(changes, but_term=request.sets_term)
        rules.refuse_operator_fields(caller, fields)
        resource = await self.get_changeable(action, store, request.resource_id)
        panel = await store.panels.get(resource.panel_id)
        _check_extra(panel, changes)
        policy = await rules.policy_of(caller, store, resource)
        if policy is not None:
            _check_policy(policy, resource, changes)
        wanted = patched(resource, changes)
        _check_metadata(wanted)
        _check_term(request, changes, policy, action.ports.clock.now())
        if not edit_fields(resource, changes, operation_id):
            return await self._save_ours(action, store, resource, wanted)
        await self._check_external_id(store, resource, wanted)
        return self.target(
            resource,
            replace(request, changes=changes),
            sealer=action.ports.sealer,
            wanted=wanted,
        )

    async def _save_ours(
        self, action: Action, store: Store, resource: ResourceT, wanted: ResourceT
    ) -> Already[ObservedT]:
        after = wanted
        if wanted != resource:
            after = replace(wanted.changed(action.ports.clock.now()), epoch=resource.epoch)
            await self.noun.rows(store).save(after)
            old, new = differences(resource, after, action.ports.sealer)
            await store.audit.append(
                action.entry(
                    Phase.SUCCEEDED,
                    resource_id=self.noun.id_of(resource),
                    owner=owner_of(resource),
                    before=old,
                    after=new,
                )
            )
            await tell_resource(store, action.ports, "updated", after)
        return Already(self.noun.observed(after, None))

    async def _check_external_id(
        self, store: Store, resource: ResourceT, wanted: ResourceT
    ) -> None:
        """Refuse a taken external_id before the panel is asked; `apply` meets a later taker."""
        if wanted.external_id in {None, resource.external_id}:
            return
        rows = self.noun.rows(store)
        other = await rows.find_by_external_id(resource.reseller_id, str(wanted.external_id))
        if other is not None:
            raise ExternalIdTaken(f"Another {self.noun.word} has this external_id.")

    async def plan(self, work: Work[ChangeRequest, ResourceT]) -> AnyEdit:
        work.resource.must_be_changeable()
        fields = edit_fields(work.resource, work.request.changes, work.operation.id)
        return self.noun.edit(work.resource, **fields)

    def changed(self, work: Work[ChangeRequest, ResourceT], desired: AnyEdit) -> ResourceT:
        return patched(work.resource, work.request.changes)


def named(changes: Changes) -> frozenset[str]:
    """Return the names of the fields that a patch changes."""
    return frozenset(f.name for f in fields(changes) if getattr(changes, f.name) is not UNCHANGED)


def edit_fields(resource: Subscription, changes: Changes, operation_id: str) -> dict[str, Any]:
    """Return the fields of the panel call for a patch.

    Empty: the panel need not be asked. The bouquets of a line that was suspended by taking them
    away stay away until it is resumed, or is held by its switch instead.
    """
    gated = resource.suspended_by is SuspendBy.BOUQUETS
    fields = {name: getattr(changes, name) for name in named(changes) - _OURS}
    if gated:
        fields.pop("bouquet_ids", None)
    if gated and changes.enabled is not UNCHANGED:
        fields["bouquet_ids"] = patched(resource, changes).bouquet_ids
    if "admin_notes" in fields:
        fields["admin_notes"] = tagged(operation_id, fields["admin_notes"])
    if "extra" in fields:
        fields["extra"] = tuple(fields["extra"].items())
    return fields


def patched(resource: SubscriptionT, changes: Changes) -> SubscriptionT:
    """Return *resource* with a patch applied, as the registry will hold it."""
    plain: dict[str, Any] = {
        name: getattr(changes, name)
        for name in named(changes) - {"metadata", "extra", "enabled", "admin_enabled"}
    }
    if changes.metadata is not UNCHANGED:
        merged = resource.metadata | changes.metadata
        plain["metadata"] = {key: value for key, value in merged.items() if value is not None}
    if changes.extra is not UNCHANGED:
        plain["extra"] = resource.extra | changes.extra
    if changes.enabled is not UNCHANGED:
        plain["suspended_by"] = None if changes.enabled else SuspendBy.ENABLED
    if changes.admin_enabled is not UNCHANGED:
        plain["is_banned"] = not changes.admin_enabled
    return replace(resource, **plain)


def _whole_seconds(changes: Changes) -> Changes:
    if changes.expires_at is UNCHANGED or changes.expires_at is None:
        return changes
    return replace(changes, expires_at=changes.expires_at.replace(microsecond=0))


def _check_term(
    request: ChangeRequest, changes: Changes, policy: Policy | None, now: datetime
) -> None:
    if changes.expires_at is UNCHANGED:
        return
    rules.check_not_too_far(changes.expires_at, pointer="/expires_at")
    if request.sets_term:
        rules.check_term(changes.expires_at, now, pointer="/expires_at")
        if changes.expires_at is None and policy is not None:
            rules.check_never_expires(policy)


def _check_policy(policy: Policy, resource: Subscription, changes: Changes) -> None:
    """Hold only what changes against the policy: an older, wider one may stay as it is."""
    if changes.max_connections is not UNCHANGED:
        rules.check_connections(policy, changes.max_connections)
    if changes.bouquet_ids is not UNCHANGED:
        rules.check_bouquets(policy, resource.panel_id, changes.bouquet_ids)
    if changes.is_restreamer is True and not resource.is_restreamer:
        rules.check_restream(policy)
    if changes.is_trial is True and not resource.is_trial:
        rules.refuse_new_trial()


def _check_metadata(wanted: Subscription) -> None:
    if len(wanted.metadata) > METADATA_MAX:
        detail = f"At most {METADATA_MAX} keys."
        raise InvalidRequest(detail, faults=(Fault("/metadata", "too_long", detail),))


def _check_extra(panel: Panel, changes: Changes) -> None:
    if changes.extra is not UNCHANGED:
        rules.check_extra(panel, changes.extra)
