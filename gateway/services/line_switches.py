"""line.suspend, line.resume, line.terminate: safe to repeat, each one edit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.domain.calls import ChangeResult, EditLine
from gateway.domain.errors import PanelError, PanelLineGated, StateConflict
from gateway.domain.ids import LineId
from gateway.domain.lines import Line, LineStatus, ObservedLine
from gateway.domain.panels import SuspendBy
from gateway.services.action import Action
from gateway.services.kinds import Already, Target, Verdict, Work
from gateway.services.line_kind import LineEdit, get_changeable, target_for
from gateway.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRequest:
    """Which line, and the caller's reason, for the audit log."""

    line_id: LineId
    reason: str | None = None


class _Switch(LineEdit[SwitchRequest, ObservedLine]):
    request_type = SwitchRequest
    result_type = ObservedLine

    def result_of(self, work: Work[SwitchRequest, Line], observed: ObservedLine) -> ObservedLine:
        return observed

    def is_as_asked(self, line: Line) -> bool:
        """Tell whether the registry already has the line as asked."""
        return False

    async def judge(
        self,
        work: Work[SwitchRequest, Line],
        desired: EditLine,
        answer: ChangeResult | PanelError,
    ) -> Verdict:
        """Let a repeated switch succeed on a line that the panel's firewall hides.

        The edit is sent again even where the registry has the line as asked: others may have
        switched it on the panel. Where the firewall hides it, that cannot be looked up.
        """
        verdict = await super().judge(work, desired, answer)
        if isinstance(verdict.error, PanelLineGated) and self.is_as_asked(work.resource):
            return Verdict()
        return verdict

    def target(
        self, action: Action, line: Line, wanted: Line, request: SwitchRequest
    ) -> Target[SwitchRequest]:
        target = target_for(line, request, sealer=action.ports.sealer, wanted=wanted)
        if request.reason is None:
            return target
        return replace(target, after=(target.after or {}) | {"reason": request.reason})


class SuspendLineKind(_Switch):
    """Stop a line for a while; its expiry stays."""

    name = "line.suspend"

    async def prepare(
        self, action: Action, store: Store, request: SwitchRequest, operation_id: str
    ) -> Target[SwitchRequest]:
        line = await get_changeable(action, store, request.line_id)
        panel = await store.panels.get(line.panel_id)
        wanted = replace(line, suspended_by=line.suspended_by or panel.suspends_lines_by)
        return self.target(action, line, wanted, request)

    async def plan(self, work: Work[SwitchRequest, Line]) -> EditLine:
        line = work.resource
        line.must_be_changeable()
        if (line.suspended_by or work.panel.suspends_lines_by) is SuspendBy.BOUQUETS:
            return EditLine(credentials=line.credentials, bouquet_ids=())
        return EditLine(credentials=line.credentials, enabled=False)

    def is_as_asked(self, line: Line) -> bool:
        return line.suspended_by is not None

    def changed(self, work: Work[SwitchRequest, Line], desired: EditLine) -> Line:
        by = SuspendBy.ENABLED if desired.enabled is False else SuspendBy.BOUQUETS
        return replace(work.resource, suspended_by=by)


class ResumeLineKind(_Switch):
    """Let a suspended line go on, the way it was stopped."""

    name = "line.resume"

    async def prepare(
        self, action: Action, store: Store, request: SwitchRequest, operation_id: str
    ) -> Target[SwitchRequest]:
        line = await get_changeable(action, store, request.line_id)
        return self.target(action, line, replace(line, suspended_by=None), request)

    async def plan(self, work: Work[SwitchRequest, Line]) -> EditLine:
        line = work.resource
        line.must_be_changeable()
        if line.suspended_by is SuspendBy.BOUQUETS:
            return EditLine(credentials=line.credentials, bouquet_ids=line.bouquet_ids)
        return EditLine(credentials=line.credentials, enabled=True)

    def is_as_asked(self, line: Line) -> bool:
        return line.suspended_by is None

    def changed(self, work: Work[SwitchRequest, Line], desired: EditLine) -> Line:
        return replace(work.resource, suspended_by=None)


class TerminateLineKind(_Switch):
    """End a line for good: disabled on the panel, its username kept from others, final here."""

    name = "line.terminate"

    async def prepare(
        self, action: Action, store: Store, request: SwitchRequest, operation_id: str
    ) -> Target[SwitchRequest] | Already[ObservedLine]:
        line = await store.lines.get(request.line_id)
        if line.status is LineStatus.TERMINATED:
            return Already(ObservedLine(line=line, info=None))
        line = await get_changeable(action, store, request.line_id)
        return self.target(action, line, replace(line, status=LineStatus.TERMINATED), request)

    async def plan(self, work: Work[SwitchRequest, Line]) -> EditLine:
        if work.resource.status is not LineStatus.LIVE:
            raise StateConflict("This line is terminated already, or not settled yet.")
        return EditLine(credentials=work.resource.credentials, enabled=False)

    def changed(self, work: Work[SwitchRequest, Line], desired: EditLine) -> Line:
        return replace(work.resource, status=LineStatus.TERMINATED)
