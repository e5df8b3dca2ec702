"""create: what making a line and making a device have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from gateway.domain.caller import ROOT_PATH
from gateway.domain.calls import ChangeCall, ChangeResult, LineInfo, NotOnPanel
from gateway.domain.errors import GatewayError, PanelError, PanelLineGated, PanelOutcomeUnknown
from gateway.domain.operations import Operation
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import NewSubscription, State, Status, Subscription, Term
from gateway.services import policy as rules
from gateway.services.action import Action
from gateway.services.check import differing, verify
from gateway.services.kinds import Applied, Finding, Found, Target, Verdict, Work
from gateway.services.looking import Hidden, look
from gateway.services.noun import ObservedT, ResourceT, owner_of
from gateway.services.policy import Placement
from gateway.services.ports.store import Store
from gateway.services.proof import bears_tag
from gateway.services.records import facts_of
from gateway.services.subscription_kind import Result, SubscriptionKind

NewT = TypeVar("NewT", bound=NewSubscription)
CallT = TypeVar("CallT", bound=ChangeCall)


class CreateKind(
    SubscriptionKind[NewT, ResourceT, ObservedT, CallT, Result],
    Generic[NewT, ResourceT, ObservedT, CallT, Result],
):
    """Reserve the name, make it, read it back.

    `unseen`: what a panel does that said done and shows nothing; see `verify`.
    """

    unseen = "does not show it"

    @abstractmethod
    def new(
        self, action: Action, request: NewT, where: Placement, common: dict[str, Any]
    ) -> ResourceT:
        """Return the record to reserve; *common* is what lines and devices share."""

    @abstractmethod
    def judge_answer(self, answer: ChangeResult | PanelError) -> Verdict | None:
        """Return what *answer* means by itself, or None where reading back must tell."""

    @abstractmethod
    def settled(self, resource: ResourceT, info: LineInfo | None) -> ResourceT:
        """Return the record with the ids that the panel gave."""

    @abstractmethod
    def result_of(self, work: Work[NewT, ResourceT], observed: ObservedT) -> Result:
        """Return the answer."""

    async def prepare(
        self, action: Action, store: Store, request: NewT, operation_id: str
    ) -> Target[NewT]:
        caller, now = action.context.caller, action.ports.clock.now()
        rules.refuse_operator_fields(caller, rules.operator_fields_of(request))
        where = await rules.place(caller, store, request)
        expires_at = _end_of(request.term, now)
        rules.check_term(expires_at, now, pointer=_pointer(request.term))
        if where.reseller is not None and not caller.sees_everything:
            rules.check_values(
                where.reseller.policy,
                where.panel.id,
                never_expires=expires_at is None,
                is_restreamer=request.is_restreamer,
                max_connections=request.max_connections,
                bouquet_ids=request.bouquet_ids,
            )
            await rules.check_quota(
                store, where.reseller, self.noun, is_trial=request.is_trial, now=now
            )
        rules.check_extra(where.panel, request.extra or {})
        resource = self.new(action, request, where, _common(request, where, expires_at, now))
        await self.noun.rows(store).add(resource)
        return Target(
            resource_id=self.noun.id_of(resource),
            panel_id=resource.panel_id,
            owner=owner_of(resource),
            request=request,
            after=facts_of(resource, action.ports.sealer),
        )

    def call(self, work: Work[NewT, ResourceT], desired: CallT) -> CallT:
        return desired

    async def judge(
        self, work: Work[NewT, ResourceT], desired: CallT, answer: ChangeResult | PanelError
    ) -> Verdict:
        verdict = self.judge_answer(answer)
        if verdict is not None:
            return verdict
        read = self.noun.read_after(desired)
        return await verify(work.ports, work.panel, desired, read, unseen=self.unseen)

    async def probe(self, work: Work[NewT, ResourceT], desired: CallT) -> Finding:
        """Ours is what bears the operation's tag; whatever else has this name is never adopted."""
        seen = await look(work, self.noun.read_after(desired))
        match seen:
            case Finding():
                return seen
            case NotOnPanel():
                return Finding(found=Found.ABSENT)
            case Hidden():
                return self._hidden(work)
            case LineInfo() if not self.is_ours(work, seen):
                return Finding(found=Found.REFUSED, error=self.taken())
            case LineInfo() if wrong := differing(desired, seen):
                text = f"It is there, but holds other values: {', '.join(wrong)}."
                return Finding(found=Found.CONTRADICTS, info=seen, error=PanelOutcomeUnknown(text))
            case _:
                return Finding(found=Found.CONFIRMED, info=seen)

    def _hidden(self, work: Work[NewT, ResourceT]) -> Finding:
        """Tell what it means that the firewall, which shows another line, does not show this one.

        It shows what is enabled and not expired, so such a one is not there.
        """
        if work.resource.state_as_live(work.ports.clock.now()) is State.ACTIVE:
            return Finding(found=Found.ABSENT)
        return Finding(
            found=Found.CONTRADICTS,
            error=PanelLineGated("The panel's firewall hides whether it is there."),
        )

    def is_ours(self, work: Work[NewT, ResourceT], info: LineInfo) -> bool:
        """Tell whether what the panel shows is provably what this operation made."""
        return bears_tag(info, work.operation.id)

    @abstractmethod
    def taken(self) -> GatewayError:
        """Return the refusal of a name that somebody else has on the panel."""

    @abstractmethod
    async def name_is_used(self, store: Store, failed: Operation, desired: CallT) -> bool:
        """Tell whether another one of ours has the name by which the panel finds *desired*."""

    def stray(self, work: Work[NewT, ResourceT], desired: CallT) -> CallT:
        """Whatever the call would have made."""
        return desired

    async def apply(
        self, store: Store, work: Work[NewT, ResourceT], desired: CallT, verdict: Verdict
    ) -> Applied[Result]:
        before = await self.load(store, work.operation)
        info = verdict.info if isinstance(verdict.info, LineInfo) else None
        live = self.settled(replace(before, status=Status.LIVE), info)
        # The version counts changes that callers can see: a life starts at 1.
        after = replace(live.changed(work.ports.clock.now()), version=before.version)
        await self.noun.rows(store).save(after)
        return self.applied(work, before, after, verdict, self.result_of)

    async def abandon(self, store: Store, work: Work[NewT, ResourceT]) -> None:
        await self.noun.rows(store).delete(self.noun.id_of(work.resource))

    async def mark_unknown(self, store: Store, work: Work[NewT, ResourceT]) -> None:
        resource = await self.load(store, work.operation)
        await self.noun.rows(store).save(
            replace(resource, status=Status.UNKNOWN, updated_at=work.ports.clock.now())
        )


def tagged(operation_id: str, notes: str) -> str:
    """Return admin notes whose first line is the operation: the proof that it is ours."""
    return f"{operation_id}\n{notes}".strip()


def values_of(resource: Subscription, operation_id: str) -> dict[str, Any]:
    """Return the fields of the creating call that lines and devices share."""
    return {
        "expires_at": resource.expires_at,
        "max_connections": resource.max_connections,
        "bouquet_ids": resource.bouquet_ids,
        "is_trial": resource.is_trial,
        "is_restreamer": resource.is_restreamer,
        "allowed_ips": resource.allowed_ips,
        "notes": resource.notes,
        "admin_notes": tagged(operation_id, resource.admin_notes),
        "member_id": resource.member_id,
        "enabled": resource.suspended_by is None,
        "admin_enabled": not resource.is_banned,
        "force_server_id": resource.force_server_id,
        "isp_lock": resource.isp_lock,
        "extra": tuple(resource.extra.items()),
    }


def _common(
    request: NewSubscription, where: Placement, expires_at: datetime | None, now: datetime
) -> dict[str, Any]:
    """Return the members of a new record that lines and devices share."""
    reseller = where.reseller
    account = None if reseller is None else reseller.member_id_on(where.panel.id)
    return {
        "panel_id": where.panel.id,
        "reseller_id": None if reseller is None else reseller.id,
        "owner_path": ROOT_PATH if reseller is None else reseller.owner_path,
        "external_id": request.external_id,
        "plan_id": None,
        "status": Status.PENDING,
        "suspended_by": SuspendBy.ENABLED if request.enabled is False else None,
        "is_banned": request.admin_enabled is False,
        "expires_at": expires_at,
        "max_connections": request.max_connections,
        "bouquet_ids": request.bouquet_ids,
        "is_trial": request.is_trial,
        "is_restreamer": request.is_restreamer,
        "allowed_ips": request.allowed_ips,
        "notes": request.notes,
        "admin_notes": request.admin_notes or "",
        "metadata": dict(request.metadata),
        "member_id": request.member_id if reseller is None else account,
        "force_server_id": request.force_server_id,
        "isp_lock": bool(request.isp_lock),
        "extra": dict(request.extra or {}),
        "panel_line_id": None,
        "version": 1,
        "epoch": 1,
        "created_at": now,
        "updated_at": now,
    }


def _end_of(term: Term, now: datetime) -> datetime | None:
    """Return the absolute expiry in whole seconds; None: never."""
    if term.period is not None:
        try:
            return term.period.after(now).replace(microsecond=0)
        except OverflowError:
            return now.max.replace(tzinfo=now.tzinfo)
    return None if term.expires_at is None else term.expires_at.replace(microsecond=0)


def _pointer(term: Term) -> str:
    return "/period" if term.period is not None else "/expires_at"
