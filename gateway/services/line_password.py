"""line.rotate_password: give a line a new password."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.domain.calls import LineInfo, NotOnPanel
from gateway.domain.errors import PanelLineGated, PanelOutcomeUnknown
from gateway.domain.ids import LineId
from gateway.domain.lines import Line, LineWithPassword, ObservedLine
from gateway.domain.secrets import Secret
from gateway.services.action import Action
from gateway.services.kinds import Finding, Found, Target, Work
from gateway.services.line_create import PASSWORD_LENGTH
from gateway.services.line_noun import LINES
from gateway.services.looking import Hidden, look, unclear
from gateway.services.noun import AnyEdit
from gateway.services.ports.store import Store
from gateway.services.subscription_kind import SubscriptionEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateRequest:
    """Which line, and its new password: made in `prepare` where the caller gives none."""

    line_id: LineId
    password: Secret | None = None


class RotatePasswordKind(SubscriptionEdit[RotateRequest, Line, ObservedLine, LineWithPassword]):
    """Edit with the old password, read back with the new one.

    The new password is kept with the operation before anything is sent, so a lost answer loses
    nothing: one of the two opens the line.
    """

    request_type = RotateRequest
    result_type = LineWithPassword

    def __init__(self) -> None:
        super().__init__(LINES, "rotate_password")

    async def prepare(
        self, action: Action, store: Store, request: RotateRequest, operation_id: str
    ) -> Target[RotateRequest]:
        line = await self.get_changeable(action, store, request.line_id)
        password = request.password or Secret(action.ports.random.text(PASSWORD_LENGTH))
        return self.target(
            line,
            RotateRequest(line_id=line.id, password=password),
            sealer=action.ports.sealer,
            wanted=replace(line, password=password),
        )

    async def plan(self, work: Work[RotateRequest, Line]) -> AnyEdit:
        work.resource.must_be_changeable()
        return self.noun.edit(work.resource, new_password=self._new(work))

    async def probe(self, work: Work[RotateRequest, Line], desired: AnyEdit) -> Finding:
        """Look with the new password, then with the old one: exactly one of them opens the line."""
        if self._new(work).equals(work.resource.password.reveal()):
            return await super().probe(work, desired)  # The same once more: there is only one.
        new = await look(work, self.noun.read_after(desired))
        old = await look(work, self.noun.read(work.resource))
        match new, old:
            case (LineInfo(), NotOnPanel()):
                return Finding(found=Found.CONFIRMED, info=new)
            case (NotOnPanel(), LineInfo()):
                return Finding(found=Found.ABSENT, info=old)
            case (Finding() as told, _) | (_, Finding() as told):
                return told
            case (Hidden(), _) | (_, Hidden()):
                return unclear(PanelLineGated("The panel's firewall hides this line."))
        which = "Both" if isinstance(new, LineInfo) else "Neither"
        text = f"{which} of the old and the new password open a line on the panel."
        return Finding(found=Found.CONTRADICTS, error=PanelOutcomeUnknown(text))

    def changed(self, work: Work[RotateRequest, Line], desired: AnyEdit) -> Line:
        return replace(work.resource, password=self._new(work))

    def result_of(
        self, work: Work[RotateRequest, Line], observed: ObservedLine
    ) -> LineWithPassword:
        return LineWithPassword(line=observed, password=self._new(work))

    @staticmethod
    def _new(work: Work[RotateRequest, Line]) -> Secret:
        if work.request.password is None:
            raise RuntimeError("a rotation is always kept with its new password")
        return work.request.password
