"""What all changes of lines and devices have in common: loading, verifying, how an edit ends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from gateway.domain.calls import ChangeResult, Edited, LineInfo, NotOnPanel, Unconfirmed
from gateway.domain.clock import from_unix
from gateway.domain.drifts import DriftEnd
from gateway.domain.errors import (
    PanelError,
    PanelLineGated,
    PanelOutcomeUnknown,
    PanelRefusedValues,
)
from gateway.domain.operations import Operation
from gateway.domain.subscriptions import ObservedInfo, State
from gateway.services.action import Action
from gateway.services.asking import ask
from gateway.services.check import differing, verify, verify_unchanged
from gateway.services.codec import pack
from gateway.services.comparing import compare
from gateway.services.drift_records import subject_of, write_down
from gateway.services.kinds import Applied, Finding, Found, Kind, Target, Verdict, Work
from gateway.services.looking import Hidden, look
from gateway.services.noun import AnyEdit, Noun, ObservedT, ResourceT, owner_of
from gateway.services.ports.sealer import Sealer
from gateway.services.ports.store import Store
from gateway.services.records import differences
from gateway.services.view import overlaid

Request = TypeVar("Request")
Desired = TypeVar("Desired")
Result = TypeVar("Result")


class SubscriptionKind(
    Kind[Request, ResourceT, Desired, Result],
    Generic[Request, ResourceT, ObservedT, Desired, Result],
):
    """A change whose resource is a line or a device."""

    noun: Noun[ResourceT, ObservedT]

    async def load(self, store: Store, operation: Operation) -> ResourceT:
        return await self.noun.rows(store).get(operation.resource_id)

    def epoch_of(self, resource: ResourceT) -> int:
        return resource.epoch

    async def raise_epoch(self, store: Store, resource: ResourceT) -> int:
        return await self.noun.rows(store).raise_epoch(self.noun.id_of(resource))

    def applied(
        self,
        work: Work[Request, ResourceT],
        before: ResourceT,
        after: ResourceT,
        verdict: Verdict,
        result_of: Callable[[Work[Request, ResourceT], ObservedT], Result],
    ) -> Applied[Result]:
        """Return what `apply` wrote, with the audit facts and the fresh info for the cache."""
        info = verdict.info if isinstance(verdict.info, LineInfo) else None
        old, new = differences(before, after, work.ports.sealer)
        return Applied(
            result=result_of(work, self._observed(work, after, info)),
            resource=after,
            before=old,
            after=new,
            epoch=after.epoch,
            cache_value=None if info is None else pack(info),
        )

    def _observed(
        self, work: Work[Request, ResourceT], resource: ResourceT, info: LineInfo | None
    ) -> ObservedT:
        """Return *resource* with what the panel said a moment ago."""
        if info is None:
            return self.noun.observed(resource, None)
        seen = ObservedInfo(
            info=info, at=work.ports.clock.now(), age_seconds=0, stale=False, from_cache=False
        )
        return self.noun.observed(overlaid(resource, seen), seen)

    async def get_changeable(self, action: Action, store: Store, resource_id: str) -> ResourceT:
        """Return one of the caller's that may be changed now.

        Raises:
            NotFound, StateConflict, VersionMismatch
        """
        resource = await self.noun.rows(store).get(resource_id)
        action.check_version(resource.version)
        resource.must_be_changeable()
        return resource

    def target(
        self,
        resource: ResourceT,
        request: Request,
        *,
        sealer: Sealer,
        wanted: ResourceT | None = None,
    ) -> Target[Request]:
        """Return the target of a change; *wanted* is for the audit log only."""
        before, after = (None, None) if wanted is None else differences(resource, wanted, sealer)
        return Target(
            resource_id=self.noun.id_of(resource),
            panel_id=resource.panel_id,
            owner=owner_of(resource),
            request=request,
            before=before,
            after=after,
        )


class SubscriptionEdit(
    SubscriptionKind[Request, ResourceT, ObservedT, AnyEdit, Result],
    Generic[Request, ResourceT, ObservedT, Result],
):
    """A change that is one edit call; what it wants is stored as that call."""

    #: How a drift ended that is gone after this change.
    drift_end: ClassVar[DriftEnd] = DriftEnd.ITSELF

    def __init__(self, noun: Noun[ResourceT, ObservedT], verb: str) -> None:
        self.noun = noun
        self.name = f"{noun.word}.{verb}"
        self.desired_type = noun.edit_type

    @abstractmethod
    def changed(self, work: Work[Request, ResourceT], desired: AnyEdit) -> ResourceT:
        """Return the record as the registry holds it once the edit is done."""

    @abstractmethod
    def result_of(self, work: Work[Request, ResourceT], observed: ObservedT) -> Result:
        """Return the answer."""

    async def free(self, store: Store, work: Work[Request, ResourceT]) -> None:
        """Give back what `prepare` reserved besides the operation; most edits reserve nothing."""

    def call(self, work: Work[Request, ResourceT], desired: AnyEdit) -> AnyEdit:
        return desired

    async def judge(
        self,
        work: Work[Request, ResourceT],
        desired: AnyEdit,
        answer: ChangeResult | PanelError,
    ) -> Verdict:
        read = self.noun.read_after(desired)
        match answer:
            case Edited():
                return await verify(work.ports, work.panel, desired, read)
            case Unconfirmed():
                return await verify_unchanged(
                    work.ports, work.panel, desired, read, gone=self.noun.gone()
                )
            case NotOnPanel():
                return Verdict(self.noun.gone())
            case PanelLineGated():
                return await self._why_not_found(work)
            case PanelError():
                return Verdict(answer)
            case _:
                return Verdict(PanelOutcomeUnknown("The panel's answer does not fit an edit."))

    async def probe(self, work: Work[Request, ResourceT], desired: AnyEdit) -> Finding:
        """Hold what the panel shows against what was wanted: an absolute state, so no proof."""
        seen = await look(work, self.noun.read_after(desired))
        match seen:
            case Finding():
                return seen
            case NotOnPanel():
                return Finding(found=Found.REFUSED, error=self.noun.gone())
            case Hidden():
                return self._hidden(work, desired)
            case LineInfo() if differing(desired, seen):
                return Finding(found=Found.ABSENT, info=seen)
            case _:
                return Finding(found=Found.CONFIRMED, info=seen)

    def _hidden(self, work: Work[Request, ResourceT], desired: AnyEdit) -> Finding:
        """Tell what it means that the firewall, which shows another line, hides this one.

        What would be enabled and unexpired had the edit been done would be shown: it was not done,
        and what is hidden cannot be edited either. Anything else cannot be told from here.
        """
        gated = PanelLineGated("The panel's firewall hides this line; nothing was changed.")
        wanted = self.changed(work, desired)
        is_switched_off = desired.enabled is False  # As what is terminated is.
        if not is_switched_off and wanted.state_as_live(work.ports.clock.now()) is State.ACTIVE:
            return Finding(found=Found.REFUSED, error=gated)
        hidden = PanelLineGated("The panel's firewall hides what came of this change.")
        return Finding(found=Found.CONTRADICTS, error=hidden)

    async def _why_not_found(self, work: Work[Request, ResourceT]) -> Verdict:
        """Tell what an empty 404 on an edit meant; nothing was changed either way.

        The panel's firewall answers so for a line that it hides, and some panels for values that
        they refuse: if the line can still be read, it was the values.
        """
        try:
            await ask(work.ports, work.panel, self.noun.read(work.resource))
        except PanelError as error:
            text = "The panel's firewall hides this line; nothing was changed."
            return Verdict(error if isinstance(error, PanelLineGated) else PanelLineGated(text))
        return Verdict(PanelRefusedValues("The panel refused the values; nothing was changed."))

    async def apply(
        self,
        store: Store,
        work: Work[Request, ResourceT],
        desired: AnyEdit,
        verdict: Verdict,
    ) -> Applied[Result]:
        # The row as it is now: claiming the operation has raised its epoch since it was planned.
        before = await self.load(store, work.operation)
        work = replace(work, resource=before)
        after = self.changed(work, desired)
        if after == before:  # Nothing of the record changed: only what is cached is old now.
            after = replace(before, epoch=before.epoch + 1)
        else:
            after = after.changed(work.ports.clock.now())
        await self.noun.rows(store).save(after)
        await self._keep_drift_in_step(store, work, after, verdict)
        return self.applied(work, before, after, verdict, self.result_of)

    async def _keep_drift_in_step(
        self, store: Store, work: Work[Request, ResourceT], after: ResourceT, verdict: Verdict
    ) -> None:
        """Let a drift that is open say what still differs: its values are old now.

        Where the panel was not seen afterwards, it is closed, and compared anew soon.
        """
        subject = subject_of(self.noun, after)
        known = await store.drifts.find_open(subject.resource_id)
        if known is None:
            return
        seen = verdict.info if isinstance(verdict.info, LineInfo) else None
        kind, left = (known.kind, ()) if seen is None else compare(after, seen)
        await write_down(store, work.ports, subject, kind, left, end=self.drift_end)
        if seen is None:
            await self.noun.rows(store).set_compared(subject.resource_id, from_unix(0))

    async def abandon(self, store: Store, work: Work[Request, ResourceT]) -> None:
        await self.free(store, work)


class ObservedEdit(
    SubscriptionEdit[Request, ResourceT, ObservedT, ObservedT],
    Generic[Request, ResourceT, ObservedT],
):
    """An edit whose answer is the line or the device as its panel holds it now."""

    def __init__(self, noun: Noun[ResourceT, ObservedT], verb: str) -> None:
        super().__init__(noun, verb)
        self.result_type = noun.observed_type

    def result_of(self, work: Work[Request, ResourceT], observed: ObservedT) -> ObservedT:
        return observed
