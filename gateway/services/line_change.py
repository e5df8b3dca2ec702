"""line.update: a merge patch of a line; only what is named changes, on the panel too."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

from gateway.domain.audit import Phase
from gateway.domain.calls import UNCHANGED, EditLine
from gateway.domain.errors import ExternalIdTaken, Fault, InvalidRequest
from gateway.domain.ids import LineId
from gateway.domain.lines import Line, LineChanges, ObservedLine
from gateway.domain.panels import Panel, SuspendBy
from gateway.domain.resellers import Policy
from gateway.services import line_policy
from gateway.services.action import Action
from gateway.services.kinds import Already, Target, Work
from gateway.services.line_create import tagged
from gateway.services.line_kind import LineEdit, get_changeable, owner_of, target_for
from gateway.services.ports.store import Store
from gateway.services.records import differences

#: What only our registry holds; a patch of nothing else asks the panel nothing.
_OURS: Final = frozenset({"external_id", "metadata"})
METADATA_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """Which line, and what changes."""

    line_id: LineId
    changes: LineChanges


class ChangeLineKind(LineEdit[ChangeRequest, ObservedLine]):
    """Check against the policy, edit, read back."""

    name = "line.update"
    request_type = ChangeRequest
    result_type = ObservedLine

    async def prepare(
        self, action: Action, store: Store, request: ChangeRequest, operation_id: str
    ) -> Target[ChangeRequest] | Already[ObservedLine]:
        caller, now = action.context.caller, action.ports.clock.now()
        changes = _whole_seconds(request.changes)
        line_policy.refuse_operator_fields(caller, line_policy.operator_fields_changed(changes))
        line = await get_changeable(action, store, request.line_id)
        panel = await store.panels.get(line.panel_id)
        _check_extra(panel, changes)
        policy = await line_policy.policy_of(caller, store, line)
        if policy is not None:
            _check_policy(policy, line, changes)
        wanted = patched(line, changes)
        _check_metadata(wanted)
        if changes.expires_at is not UNCHANGED:
            far_past = line.created_at.min.replace(tzinfo=now.tzinfo)
            line_policy.check_term(changes.expires_at, far_past, pointer="/expires_at")
        if named(changes) <= _OURS:
            return await self._save_ours(action, store, line, wanted)
        await _check_external_id(store, line, wanted)
        return target_for(
            line,
            ChangeRequest(line_id=line.id, changes=changes),
            sealer=action.ports.sealer,
            wanted=wanted,
        )

    async def _save_ours(
        self, action: Action, store: Store, line: Line, wanted: Line
    ) -> Already[ObservedLine]:
        after = wanted
        if wanted != line:
            after = replace(wanted.changed(action.ports.clock.now()), epoch=line.epoch)
            await store.lines.save(after)
            old, new = differences(line, after, action.ports.sealer)
            await store.audit.append(
                action.entry(
                    Phase.SUCCEEDED,
                    resource_id=line.id,
                    owner=owner_of(line),
                    before=old,
                    after=new,
                )
            )
        return Already(ObservedLine(line=after, info=None))

    async def plan(self, work: Work[ChangeRequest, Line]) -> EditLine:
        work.resource.must_be_changeable()
        return edit_of(work.resource, work.request.changes, work.operation.id)

    def changed(self, work: Work[ChangeRequest, Line], desired: EditLine) -> Line:
        return patched(work.resource, work.request.changes)

    def result_of(self, work: Work[ChangeRequest, Line], observed: ObservedLine) -> ObservedLine:
        return observed


def named(changes: LineChanges) -> frozenset[str]:
    """Return the names of the fields that a patch changes."""
    return frozenset(f.name for f in fields(changes) if getattr(changes, f.name) is not UNCHANGED)


def edit_of(line: Line, changes: LineChanges, operation_id: str) -> EditLine:
    """Return the panel call for a patch.

    The bouquets of a line that was suspended by taking them away stay away until it is resumed.
    """
    gated = line.suspended_by is SuspendBy.BOUQUETS
    resumes = gated and changes.enabled is True
    bouquets = changes.bouquet_ids
    if gated:
        bouquets = patched(line, changes).bouquet_ids if resumes else UNCHANGED
    notes = changes.admin_notes
    return EditLine(
        credentials=line.credentials,
        expires_at=changes.expires_at,
        max_connections=changes.max_connections,
        bouquet_ids=bouquets,
        is_trial=changes.is_trial,
        is_restreamer=changes.is_restreamer,
        allowed_ips=changes.allowed_ips,
        allowed_user_agents=changes.allowed_user_agents,
        notes=changes.notes,
        admin_notes=UNCHANGED if notes is UNCHANGED else tagged(operation_id, notes),
        member_id=changes.member_id,
        enabled=changes.enabled,
        admin_enabled=changes.admin_enabled,
        force_server_id=changes.force_server_id,
        isp_lock=changes.isp_lock,
        extra=() if changes.extra is UNCHANGED else tuple(changes.extra.items()),
    )


def patched(line: Line, changes: LineChanges) -> Line:
    """Return *line* with a patch applied, as the registry will hold it."""
    plain: dict[str, Any] = {
        name: getattr(changes, name)
        for name in named(changes) - {"metadata", "extra", "enabled", "admin_enabled"}
    }
    if changes.metadata is not UNCHANGED:
        merged = line.metadata | changes.metadata
        plain["metadata"] = {key: value for key, value in merged.items() if value is not None}
    if changes.extra is not UNCHANGED:
        plain["extra"] = line.extra | changes.extra
    if changes.enabled is not UNCHANGED:
        plain["suspended_by"] = None if changes.enabled else SuspendBy.ENABLED
    if changes.admin_enabled is not UNCHANGED:
        plain["is_banned"] = not changes.admin_enabled
    return replace(line, **plain)


def _whole_seconds(changes: LineChanges) -> LineChanges:
    if changes.expires_at is UNCHANGED or changes.expires_at is None:
        return changes
    return replace(changes, expires_at=changes.expires_at.replace(microsecond=0))


def _check_policy(policy: Policy, line: Line, changes: LineChanges) -> None:
    """Hold only what changes against the policy: an older, wider line may stay as it is."""
    if changes.max_connections is not UNCHANGED:
        line_policy.check_connections(policy, changes.max_connections)
    if changes.bouquet_ids is not UNCHANGED:
        line_policy.check_bouquets(policy, line.panel_id, changes.bouquet_ids)
    if changes.is_restreamer is True and not line.is_restreamer:
        line_policy.check_restream(policy)
    if changes.is_trial is True and not line.is_trial:
        line_policy.refuse_new_trial()


async def _check_external_id(store: Store, line: Line, wanted: Line) -> None:
    """Refuse a taken external_id before the panel is asked; `apply` meets a later taker again."""
    if wanted.external_id in {None, line.external_id}:
        return
    other = await store.lines.find_by_external_id(line.reseller_id, str(wanted.external_id))
    if other is not None:
        raise ExternalIdTaken("Another line has this external_id.")


def _check_metadata(wanted: Line) -> None:
    if len(wanted.metadata) > METADATA_MAX:
        detail = f"At most {METADATA_MAX} keys."
        raise InvalidRequest(detail, faults=(Fault("/metadata", "too_long", detail),))


def _check_extra(panel: Panel, changes: LineChanges) -> None:
    if changes.extra is not UNCHANGED:
        line_policy.check_extra(panel, changes.extra)
