"""line.disable_stray, device.disable_stray: switch off what a failed creation left on its panel."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.calls import ChangeResult, LineInfo, NotOnPanel
from gateway.domain.errors import PanelError
from gateway.domain.operations import Operation
from gateway.services.action import Action
from gateway.services.check import differing, verify
from gateway.services.kinds import Already, Applied, Finding, Found, Kind, Target, Verdict, Work
from gateway.services.looking import Hidden, look
from gateway.services.noun import AnyEdit, AnyNoun
from gateway.services.ports.store import Store


@dataclass(frozen=True, slots=True)
class Stray:
    """What is on the panel, and not in our records: nothing of it ever changes here."""

    version: int = 1
    epoch: int = 0


class StrayKind(Kind[AnyEdit, Stray, AnyEdit, None]):
    """One edit, `enabled=0`; its request is the call itself. Only workers ask for it."""

    result_type = type(None)
    is_insisted_on = True

    def __init__(self, noun: AnyNoun) -> None:
        self.noun = noun
        self.name = f"{noun.word}.disable_stray"
        self.request_type = noun.edit_type
        self.desired_type = noun.edit_type

    async def prepare(
        self, action: Action, store: Store, request: AnyEdit, operation_id: str
    ) -> Target[AnyEdit] | Already[None]:
        """Refuse: no caller asks for this; `strays.py` makes the row itself."""
        raise TypeError("only the watch for strays makes this operation")

    async def load(self, store: Store, operation: Operation) -> Stray:
        return Stray()

    def epoch_of(self, resource: Stray) -> int:
        return resource.epoch

    async def raise_epoch(self, store: Store, resource: Stray) -> int:
        return resource.epoch

    async def plan(self, work: Work[AnyEdit, Stray]) -> AnyEdit:
        return work.request

    def call(self, work: Work[AnyEdit, Stray], desired: AnyEdit) -> AnyEdit:
        return desired

    async def judge(
        self, work: Work[AnyEdit, Stray], desired: AnyEdit, answer: ChangeResult | PanelError
    ) -> Verdict:
        if isinstance(answer, PanelError):
            return Verdict(answer)
        if isinstance(answer, NotOnPanel):
            return Verdict()  # It has gone by itself.
        return await verify(work.ports, work.panel, desired, self.noun.read_after(desired))

    async def probe(self, work: Work[AnyEdit, Stray], desired: AnyEdit) -> Finding:
        seen = await look(work, self.noun.read_after(desired))
        match seen:
            case Finding():
                return seen
            case LineInfo() if differing(desired, seen):
                return Finding(found=Found.ABSENT, info=seen)
            case Hidden() | NotOnPanel():
                # Hidden: disabled, which is what was wanted, or expired, which plays nothing.
                return Finding(found=Found.CONFIRMED)
            case _:
                return Finding(found=Found.CONFIRMED, info=seen)

    async def apply(
        self, store: Store, work: Work[AnyEdit, Stray], desired: AnyEdit, verdict: Verdict
    ) -> Applied[None]:
        return Applied(result=None, resource=None, before=None, after={"enabled": False}, epoch=0)

    async def abandon(self, store: Store, work: Work[AnyEdit, Stray]) -> None:
        """Nothing was reserved."""
