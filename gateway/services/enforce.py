"""enforce: edit the panel back to what our record says of a line or a device."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.drifts import DriftEnd
from gateway.domain.errors import StateConflict
from gateway.domain.subscriptions import Status, Subscription
from gateway.services.action import Action
from gateway.services.comparing import desired
from gateway.services.kinds import Target, Work
from gateway.services.noun import AnyEdit, Noun, ObservedT, ResourceT
from gateway.services.ports.store import Store
from gateway.services.subscription_kind import ObservedEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforceRequest:
    """Which line or device, and the caller's reason, for the audit log."""

    resource_id: str
    reason: str | None = None


class EnforceKind(ObservedEdit[EnforceRequest, ResourceT, ObservedT]):
    """One edit with everything that is compared; for what was terminated, only that it is off.

    It needs no drift to be known: whoever sees one before the sweep does need not wait for it. What
    an edit cannot mend, as another row's number, stays open.
    """

    request_type = EnforceRequest
    drift_end = DriftEnd.ENFORCED

    def __init__(self, noun: Noun[ResourceT, ObservedT]) -> None:
        super().__init__(noun, "enforce")

    async def prepare(
        self, action: Action, store: Store, request: EnforceRequest, operation_id: str
    ) -> Target[EnforceRequest]:
        resource = await self.noun.rows(store).get(request.resource_id)
        action.check_version(resource.version)
        _must_be_settled(resource)
        target = self.target(resource, request, sealer=action.ports.sealer)
        known = await store.drifts.find_open(request.resource_id)
        before, after = target.before, target.after
        if known is not None:
            before = {it.field: it.theirs for it in known.differences}
            after = {it.field: it.ours for it in known.differences}
        if request.reason is not None:
            after = (after or {}) | {"reason": request.reason}
        return Target(
            resource_id=target.resource_id,
            panel_id=target.panel_id,
            owner=target.owner,
            request=request,
            before=before,
            after=after,
        )

    async def plan(self, work: Work[EnforceRequest, ResourceT]) -> AnyEdit:
        _must_be_settled(work.resource)
        return self.noun.edit(work.resource, **desired(work.resource))

    def changed(self, work: Work[EnforceRequest, ResourceT], desired: AnyEdit) -> ResourceT:
        return work.resource


def _must_be_settled(resource: Subscription) -> None:
    if resource.status not in {Status.LIVE, Status.TERMINATED}:
        raise StateConflict("Its creation is not settled yet.")
