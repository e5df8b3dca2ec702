"""line.create: make a line on a panel, for a reseller or the operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.domain.caller import ROOT_PATH
from gateway.domain.calls import ChangeResult, CreatedLine, CreateLine, LineInfo, Taken
from gateway.domain.errors import (
    PanelError,
    PanelOutcomeUnknown,
    UsernameTaken,
)
from gateway.domain.ids import IdKind, LineId, new_id
from gateway.domain.lines import Line, LineStatus, LineWithPassword, NewLine, ObservedLine, Term
from gateway.domain.panels import SuspendBy
from gateway.domain.secrets import Secret
from gateway.services import line_policy
from gateway.services.action import Action
from gateway.services.kinds import Applied, Target, Verdict, Work
from gateway.services.line_check import verify
from gateway.services.line_kind import LineKind, applied, owner_of, read_after
from gateway.services.line_policy import Placement
from gateway.services.ports.store import Store
from gateway.services.records import facts_of

USERNAME_LENGTH: Final = 12
PASSWORD_LENGTH: Final = 16


class CreateLineKind(LineKind[NewLine, CreateLine, LineWithPassword]):
    """Reserve the name, make the line, read it back."""

    name = "line.create"
    request_type = NewLine
    desired_type = CreateLine
    result_type = LineWithPassword

    async def prepare(
        self, action: Action, store: Store, request: NewLine, operation_id: str
    ) -> Target[NewLine]:
        caller, ports, now = action.context.caller, action.ports, action.ports.clock.now()
        line_policy.refuse_operator_fields(caller, line_policy.operator_fields_of(request))
        where = await line_policy.place(caller, store, request)
        expires_at = _end_of(request.term, now)
        line_policy.check_term(expires_at, now, pointer=_pointer(request.term))
        if where.reseller is not None and not caller.sees_everything:
            line_policy.check_values(
                where.reseller.policy,
                where.panel.id,
                never_expires=expires_at is None,
                is_restreamer=request.is_restreamer,
                max_connections=request.max_connections,
                bouquet_ids=request.bouquet_ids,
            )
            await line_policy.check_quota(store, where.reseller, is_trial=request.is_trial, now=now)
        line_policy.check_extra(where.panel, request.extra or {})
        line = _new_line(action, request, where, expires_at)
        await store.lines.add(line)
        return Target(
            resource_id=line.id,
            panel_id=line.panel_id,
            owner=owner_of(line),
            request=request,
            after=facts_of(line, ports.sealer),
        )

    async def plan(self, work: Work[NewLine, Line]) -> CreateLine:
        line = work.resource
        return CreateLine(
            credentials=line.credentials,
            expires_at=line.expires_at,
            max_connections=line.max_connections,
            bouquet_ids=line.bouquet_ids,
            is_trial=line.is_trial,
            is_restreamer=line.is_restreamer,
            allowed_ips=line.allowed_ips,
            allowed_user_agents=line.allowed_user_agents,
            notes=line.notes,
            admin_notes=tagged(work.operation.id, line.admin_notes),
            member_id=line.member_id,
            enabled=line.suspended_by is None,
            admin_enabled=not line.is_banned,
            force_server_id=line.force_server_id,
            isp_lock=line.isp_lock,
            extra=tuple(line.extra.items()),
        )

    def call(self, work: Work[NewLine, Line], desired: CreateLine) -> CreateLine:
        return desired

    async def judge(
        self, work: Work[NewLine, Line], desired: CreateLine, answer: ChangeResult | PanelError
    ) -> Verdict:
        match answer:
            case CreatedLine():
                verdict = await verify(work.ports, work.panel, desired, read_after(desired))
                return _same_row(verdict, answer)
            case Taken():
                return Verdict(UsernameTaken("This username is taken on the panel."))
            case PanelError():
                return Verdict(answer)
            case _:
                return Verdict(PanelOutcomeUnknown("The panel's answer does not fit a creation."))

    async def apply(
        self,
        store: Store,
        work: Work[NewLine, Line],
        desired: CreateLine,
        verdict: Verdict,
    ) -> Applied[LineWithPassword]:
        before = await self.load(store, work.operation)
        found = getattr(verdict.info, "panel_line_id", None)
        live = replace(before, status=LineStatus.LIVE, panel_line_id=found)
        # The version counts changes of a line that callers can see: its life starts at 1.
        after = replace(live.changed(work.ports.clock.now()), version=before.version)
        await store.lines.save(after)
        return applied(work, before, after, verdict, self._result)

    def _result(self, work: Work[NewLine, Line], observed: ObservedLine) -> LineWithPassword:
        return LineWithPassword(line=observed, password=work.resource.password)

    async def abandon(self, store: Store, work: Work[NewLine, Line]) -> None:
        await store.lines.delete(work.resource.id)

    async def mark_unknown(self, store: Store, work: Work[NewLine, Line]) -> None:
        line = await self.load(store, work.operation)
        await store.lines.save(
            replace(line, status=LineStatus.UNKNOWN, updated_at=work.ports.clock.now())
        )


def _same_row(verdict: Verdict, created: CreatedLine) -> Verdict:
    """Doubt a success where the pair shows another row: the panel has no unique names."""
    if isinstance(verdict.info, LineInfo) and verdict.info.panel_line_id != created.panel_line_id:
        return Verdict(PanelOutcomeUnknown("The panel shows another line under this name."))
    return verdict


def tagged(operation_id: str, notes: str) -> str:
    """Return admin notes whose first line is the operation: the proof that a line is ours."""
    return f"{operation_id}\n{notes}".strip()


def _end_of(term: Term, now: datetime) -> datetime | None:
    """Return the absolute expiry of a new line in whole seconds; None: never."""
    if term.period is not None:
        try:
            return term.period.after(now).replace(microsecond=0)
        except OverflowError:
            return now.max.replace(tzinfo=now.tzinfo)
    return None if term.expires_at is None else term.expires_at.replace(microsecond=0)


def _pointer(term: Term) -> str:
    return "/period" if term.period is not None else "/expires_at"


def _new_line(
    action: Action, request: NewLine, where: Placement, expires_at: datetime | None
) -> Line:
    ports, reseller = action.ports, where.reseller
    now = ports.clock.now()
    member_id = request.member_id
    if reseller is not None:
        member_id = reseller.member_id_on(where.panel.id)
    return Line(
        id=LineId(new_id(IdKind.LINE, now, ports.random.bytes)),
        panel_id=where.panel.id,
        reseller_id=reseller.id if reseller else None,
        owner_path=reseller.owner_path if reseller else ROOT_PATH,
        external_id=request.external_id,
        plan_id=None,
        username=request.username or ports.random.text(USERNAME_LENGTH).lower(),
        password=request.password or Secret(ports.random.text(PASSWORD_LENGTH)),
        status=LineStatus.PENDING,
        suspended_by=SuspendBy.ENABLED if request.enabled is False else None,
        is_banned=request.admin_enabled is False,
        expires_at=expires_at,
        max_connections=request.max_connections,
        bouquet_ids=request.bouquet_ids,
        is_trial=request.is_trial,
        is_restreamer=request.is_restreamer,
        allowed_ips=request.allowed_ips,
        allowed_user_agents=request.allowed_user_agents,
        notes=request.notes,
        admin_notes=request.admin_notes or "",
        metadata=dict(request.metadata),
        member_id=member_id,
        force_server_id=request.force_server_id,
        isp_lock=bool(request.isp_lock),
        extra=dict(request.extra or {}),
        panel_line_id=None,
        version=1,
        epoch=1,
        created_at=now,
        updated_at=now,
    )
