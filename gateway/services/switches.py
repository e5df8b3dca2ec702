"""suspend, resume, terminate, of lines and devices: safe to repeat, each one edit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.calls import ChangeResult
from gateway.domain.errors import PanelError, PanelLineGated, StateConflict
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import Status
from gateway.services.action import Action
from gateway.services.kinds import Already, Target, Verdict, Work
from gateway.services.noun import AnyEdit, Noun, ObservedT, ResourceT
from gateway.services.ports.store import Store
from gateway.services.subscription_kind import ObservedEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRequest:
    """Which line or device, and the caller's reason, for the audit log."""

    resource_id: str
    reason: str | None = None


class _Switch(ObservedEdit[SwitchRequest, ResourceT, ObservedT]):
    request_type = SwitchRequest
    verb: str

    def __init__(self, noun: Noun[ResourceT, ObservedT]) -> None:
        super().__init__(noun, self.verb)

    def is_as_asked(self, resource: ResourceT) -> bool:
        """Tell whether the registry already has it as asked."""
        return False

    async def judge(
        self,
        work: Work[SwitchRequest, ResourceT],
        desired: AnyEdit,
        answer: ChangeResult | PanelError,
    ) -> Verdict:
        """Let a repeated switch succeed on a line that the panel's firewall hides.

        The edit is sent again even where the registry has it as asked: others may have switched it
        on the panel. Where the firewall hides it, that cannot be looked up.
        """
        verdict = await super().judge(work, desired, answer)
        if isinstance(verdict.error, PanelLineGated) and self.is_as_asked(work.resource):
            return Verdict()
        return verdict

    def switching(
        self,
        action: Action,
        resource: ResourceT,
        request: SwitchRequest,
        **wanted: Any,  # noqa: ANN401 - members of the record
    ) -> Target[SwitchRequest]:
        """Return the target, with the reason for the audit log."""
        sealer = action.ports.sealer
        target = self.target(resource, request, sealer=sealer, wanted=replace(resource, **wanted))
        if request.reason is None:
            return target
        return replace(target, after=(target.after or {}) | {"reason": request.reason})


class SuspendKind(_Switch[ResourceT, ObservedT]):
    """Stop it for a while; its expiry stays."""

    verb = "suspend"

    async def prepare(
        self, action: Action, store: Store, request: SwitchRequest, operation_id: str
    ) -> Target[SwitchRequest]:
        resource = await self.get_changeable(action, store, request.resource_id)
        panel = await store.panels.get(resource.panel_id)
        by = resource.suspended_by or self.noun.suspends_by(panel)
        return self.switching(action, resource, request, suspended_by=by)

    async def plan(self, work: Work[SwitchRequest, ResourceT]) -> AnyEdit:
        resource = work.resource
        resource.must_be_changeable()
        by = resource.suspended_by or self.noun.suspends_by(work.panel)
        if by is SuspendBy.BOUQUETS:
            return self.noun.edit(resource, bouquet_ids=())
        return self.noun.edit(resource, enabled=False)

    def is_as_asked(self, resource: ResourceT) -> bool:
        return resource.suspended_by is not None

    def changed(self, work: Work[SwitchRequest, ResourceT], desired: AnyEdit) -> ResourceT:
        by = SuspendBy.ENABLED if desired.enabled is False else SuspendBy.BOUQUETS
        return replace(work.resource, suspended_by=by)


class ResumeKind(_Switch[ResourceT, ObservedT]):
    """Let it go on, the way it was stopped."""

    verb = "resume"

    async def prepare(
        self, action: Action, store: Store, request: SwitchRequest, operation_id: str
    ) -> Target[SwitchRequest]:
        resource = await self.get_changeable(action, store, request.resource_id)
        return self.switching(action, resource, request, suspended_by=None)

    async def plan(self, work: Work[SwitchRequest, ResourceT]) -> AnyEdit:
        resource = work.resource
        resource.must_be_changeable()
        if resource.suspended_by is SuspendBy.BOUQUETS:
            return self.noun.edit(resource, bouquet_ids=resource.bouquet_ids)
        return self.noun.edit(resource, enabled=True)

    def is_as_asked(self, resource: ResourceT) -> bool:
        return resource.suspended_by is None

    def changed(self, work: Work[SwitchRequest, ResourceT], desired: AnyEdit) -> ResourceT:
        return replace(work.resource, suspended_by=None)


class TerminateKind(_Switch[ResourceT, ObservedT]):
    """End it for good: disabled on the panel, its name kept from others, final here."""

    verb = "terminate"

    async def prepare(
        self, action: Action, store: Store, request: SwitchRequest, operation_id: str
    ) -> Target[SwitchRequest] | Already[ObservedT]:
        resource = await self.noun.rows(store).get(request.resource_id)
        if resource.status is Status.TERMINATED:
            return Already(self.noun.observed(resource, None))
        resource = await self.get_changeable(action, store, request.resource_id)
        return self.switching(action, resource, request, status=Status.TERMINATED)

    async def plan(self, work: Work[SwitchRequest, ResourceT]) -> AnyEdit:
        if work.resource.status is not Status.LIVE:
            raise StateConflict("It is terminated already, or not settled yet.")
        return self.noun.edit(work.resource, enabled=False)

    def changed(self, work: Work[SwitchRequest, ResourceT], desired: AnyEdit) -> ResourceT:
        return replace(work.resource, status=Status.TERMINATED)
