"""line.create: make a line on a panel, for a reseller or the operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from gateway.domain.calls import ChangeResult, CreatedLine, CreateLine, LineInfo, Taken
from gateway.domain.errors import (
    GatewayError,
    PanelError,
    PanelOutcomeUnknown,
    UsernameTaken,
)
from gateway.domain.ids import IdKind, LineId, new_id
from gateway.domain.lines import Line, LineWithPassword, NewLine, ObservedLine
from gateway.domain.operations import Operation
from gateway.domain.secrets import Secret
from gateway.services.action import Action
from gateway.services.create import CreateKind, values_of
from gateway.services.kinds import Verdict, Work
from gateway.services.line_noun import LINES
from gateway.services.policy import Placement
from gateway.services.ports.store import Store

USERNAME_LENGTH: Final = 12
PASSWORD_LENGTH: Final = 16


class CreateLineKind(CreateKind[NewLine, Line, ObservedLine, CreateLine, LineWithPassword]):
    """Username and password are made here where the caller gives none, never by the panel.

    So a lost answer does not lose the identity.
    """

    noun = LINES
    name = "line.create"
    request_type = NewLine
    desired_type = CreateLine
    result_type = LineWithPassword

    def new(
        self,
        action: Action,
        request: NewLine,
        where: Placement,
        common: dict[str, Any],
    ) -> Line:
        ports = action.ports
        return Line(
            id=LineId(new_id(IdKind.LINE, ports.clock.now(), ports.random.bytes)),
            username=request.username or ports.random.text(USERNAME_LENGTH).lower(),
            password=request.password or Secret(ports.random.text(PASSWORD_LENGTH)),
            allowed_user_agents=request.allowed_user_agents,
            **common,
        )

    async def plan(self, work: Work[NewLine, Line]) -> CreateLine:
        line = work.resource
        return CreateLine(
            credentials=line.credentials,
            allowed_user_agents=line.allowed_user_agents,
            **values_of(line, work.operation.id),
        )

    def judge_answer(self, answer: ChangeResult | PanelError) -> Verdict | None:
        match answer:
            case CreatedLine():
                return None
            case Taken():
                return Verdict(self.taken())
            case PanelError():
                return Verdict(answer)
            case _:
                return Verdict(PanelOutcomeUnknown("The panel's answer does not fit a creation."))

    async def judge(
        self, work: Work[NewLine, Line], desired: CreateLine, answer: ChangeResult | PanelError
    ) -> Verdict:
        """Doubt a success where the pair shows another row: the panel has no unique names."""
        verdict = await super().judge(work, desired, answer)
        shown = verdict.info.panel_line_id if isinstance(verdict.info, LineInfo) else None
        if shown is not None and isinstance(answer, CreatedLine) and shown != answer.panel_line_id:
            return Verdict(PanelOutcomeUnknown("The panel shows another line by this name."))
        return verdict

    def taken(self) -> GatewayError:
        return UsernameTaken("This username is taken on the panel.")

    def is_ours(self, work: Work[NewLine, Line], info: LineInfo) -> bool:
        """Count a password that we made as proof too: nobody was told it before."""
        return super().is_ours(work, info) or work.request.password is None

    async def name_is_used(self, store: Store, failed: Operation, desired: CreateLine) -> bool:
        """The panel finds lines by the pair: another password is another line."""
        pair = desired.credentials
        line = await store.lines.find_by_username(failed.panel_id, pair.username)
        return line is not None and line.password.equals(pair.password.reveal())

    def settled(self, resource: Line, info: LineInfo | None) -> Line:
        return resource if info is None else replace(resource, panel_line_id=info.panel_line_id)

    def result_of(self, work: Work[NewLine, Line], observed: ObservedLine) -> LineWithPassword:
        return LineWithPassword(line=observed, password=work.resource.password)
