"""What all changes of lines have in common: loading, verifying, and the way an edit ends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from gateway.domain.calls import (
    ChangeResult,
    CreateLine,
    EditedLine,
    EditLine,
    GetLineInfo,
    LineInfo,
    NotOnPanel,
)
from gateway.domain.errors import (
    CredentialsOutOfSync,
    PanelError,
    PanelLineGated,
    PanelOutcomeUnknown,
    PanelRefusedValues,
)
from gateway.domain.ids import LineId
from gateway.domain.lines import Line, ObservedInfo, ObservedLine
from gateway.domain.operations import Operation
from gateway.services.action import Action
from gateway.services.audit_log import Owner
from gateway.services.codec import pack
from gateway.services.kinds import Applied, Kind, Target, Verdict, Work
from gateway.services.line_check import verify
from gateway.services.line_view import overlaid
from gateway.services.ports.sealer import Sealer
from gateway.services.ports.store import Store
from gateway.services.records import differences

Request = TypeVar("Request")
Desired = TypeVar("Desired")
Result = TypeVar("Result")


class LineKind(Kind[Request, Line, Desired, Result], Generic[Request, Desired, Result]):
    """A change whose resource is a line."""

    async def load(self, store: Store, operation: Operation) -> Line:
        return await store.lines.get(LineId(operation.resource_id))

    def epoch_of(self, resource: Line) -> int:
        return resource.epoch

    async def raise_epoch(self, store: Store, resource: Line) -> int:
        return await store.lines.raise_epoch(resource.id)


class LineEdit(LineKind[Request, EditLine, Result], Generic[Request, Result]):
    """A change that is one edit call; what it wants is stored as that call."""

    desired_type = EditLine

    @abstractmethod
    def changed(self, work: Work[Request, Line], desired: EditLine) -> Line:
        """Return the line as the registry holds it once the edit is done."""

    @abstractmethod
    def result_of(self, work: Work[Request, Line], observed: ObservedLine) -> Result:
        """Return the answer."""

    async def free(self, store: Store, work: Work[Request, Line]) -> None:
        """Give back what `prepare` reserved besides the operation; most edits reserve nothing."""

    def call(self, work: Work[Request, Line], desired: EditLine) -> EditLine:
        return desired

    async def judge(
        self, work: Work[Request, Line], desired: EditLine, answer: ChangeResult | PanelError
    ) -> Verdict:
        match answer:
            case EditedLine():
                return await verify(work.ports, work.panel, desired, read_after(desired))
            case NotOnPanel():
                text = "The panel does not know this line by its stored credentials."
                return Verdict(CredentialsOutOfSync(text))
            case PanelLineGated():
                return await _why_not_found(work, desired)
            case PanelError():
                return Verdict(answer)
            case _:
                return Verdict(PanelOutcomeUnknown("The panel's answer does not fit an edit."))

    async def apply(
        self, store: Store, work: Work[Request, Line], desired: EditLine, verdict: Verdict
    ) -> Applied[Result]:
        # The row as it is now: claiming the operation has raised its epoch since it was planned.
        before = await self.load(store, work.operation)
        work = replace(work, resource=before)
        after = self.changed(work, desired)
        if after == before:  # Nothing of the record changed: only what is cached is old now.
            after = replace(before, epoch=before.epoch + 1)
        else:
            after = after.changed(work.ports.clock.now())
        await store.lines.save(after)
        return applied(work, before, after, verdict, self.result_of)

    async def abandon(self, store: Store, work: Work[Request, Line]) -> None:
        await self.free(store, work)


def read_after(call: CreateLine | EditLine) -> GetLineInfo:
    """Return the read that shows what *call* did: with the new password, if it sets one."""
    credentials = call.credentials
    if isinstance(call, EditLine) and call.new_password:
        credentials = type(credentials)(username=credentials.username, password=call.new_password)
    return GetLineInfo(credentials=credentials)


async def _why_not_found(work: Work[Any, Line], desired: EditLine) -> Verdict:
    """Tell what an empty 404 on an edit meant; nothing was changed either way.

    The panel's firewall answers so for a line that it hides, and some panels for values that they
    refuse: if the line can still be read, it was the values.
    """
    read = GetLineInfo(credentials=desired.credentials)
    seconds = work.ports.limits.read_timeout_seconds
    try:
        await work.ports.panels.read(work.panel, read, timeout_seconds=seconds)
    except PanelError as error:
        text = "The panel's firewall hides this line; nothing was changed."
        return Verdict(error if isinstance(error, PanelLineGated) else PanelLineGated(text))
    return Verdict(PanelRefusedValues("The panel refused the values; nothing was changed."))


def applied(
    work: Work[Any, Line],
    before: Line,
    after: Line,
    verdict: Verdict,
    result_of: Callable[[Any, ObservedLine], Any],
) -> Applied[Any]:
    """Return what `apply` wrote, with the audit facts and the fresh info for the cache."""
    info = verdict.info if isinstance(verdict.info, LineInfo) else None
    old, new = differences(before, after, work.ports.sealer)
    return Applied(
        result=result_of(work, observed(work, after, info)),
        before=old,
        after=new,
        epoch=after.epoch,
        cache_value=None if info is None else pack(info),
    )


def observed(work: Work[Any, Line], line: Line, info: LineInfo | None) -> ObservedLine:
    """Return *line* with what the panel said a moment ago."""
    if info is None:
        return ObservedLine(line=line, info=None)
    seen = ObservedInfo(
        info=info, at=work.ports.clock.now(), age_seconds=0, stale=False, from_cache=False
    )
    return overlaid(line, seen)


def owner_of(line: Line) -> Owner:
    """Return whose the audit entries about *line* are."""
    return Owner(line.reseller_id, line.owner_path)


async def get_changeable(action: Action, store: Store, line_id: LineId) -> Line:
    """Return a line of the caller that may be changed now.

    Raises:
        NotFound, StateConflict, VersionMismatch
    """
    line = await store.lines.get(line_id)
    action.check_version(line.version)
    line.must_be_changeable()
    return line


def target_for(
    line: Line, request: Request, *, sealer: Sealer, wanted: Line | None = None
) -> Target[Request]:
    """Return the target of a change of *line*; *wanted* is for the audit log only."""
    before, after = (None, None) if wanted is None else differences(line, wanted, sealer)
    return Target(
        resource_id=line.id,
        panel_id=line.panel_id,
        owner=owner_of(line),
        request=request,
        before=before,
        after=after,
    )
