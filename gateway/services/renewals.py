"""Renewals that carry the caller's own reference happen once."""

from __future__ import annotations

from gateway.domain.subscriptions import Term
from gateway.services.action import Action
from gateway.services.changes import answer_of, carry_out
from gateway.services.context import Outcome
from gateway.services.idempotency import find_kept
from gateway.services.noun import ObservedT, ResourceT
from gateway.services.renew import RenewKind, RenewRequest


async def renew(
    act: Action,
    kind: RenewKind[ResourceT, ObservedT],
    resource_id: str,
    term: Term,
    reference: str | None,
) -> Outcome[ObservedT]:
    """Renew, or answer as the renewal that used *reference* did.

    Raises:
        NotFound, VersionMismatch, InvalidRequest, FieldNotAllowed, StateConflict, PanelError
    """
    if reference is not None and await find_kept(act) is None:
        async with act.read() as store:
            rows = kind.noun.rows(store)
            await rows.get(resource_id)
            earlier = await rows.find_reference(resource_id, reference)
        if earlier is not None:
            return await answer_of(act, kind, earlier)
    request = RenewRequest(resource_id=resource_id, term=term, reference=reference)
    return await carry_out(act, kind, request)
