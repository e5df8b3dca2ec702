"""Whose rows a new row belongs to."""

from __future__ import annotations

from gateway.domain.caller import ROOT_PATH, Caller
from gateway.domain.ids import ResellerId
from gateway.services.audit_log import Owner
from gateway.services.ports.store import Store


def idempotency_owner(caller: Caller) -> str:
    """Return who Idempotency-Keys belong to: the reseller, or all operators together."""
    return caller.reseller_id or "operator"


def own_path(caller: Caller) -> str:
    """Return the path of the caller's own rows."""
    return caller.owner_path or ROOT_PATH


async def owner_named(store: Store, caller: Caller, reseller_id: ResellerId | None) -> Owner:
    """Return *reseller_id* as an owner; None: the caller's own reseller, or the operator.

    Raises:
        NotFound: there is no such reseller in the scope of *store*.
    """
    reseller_id = reseller_id or caller.reseller_id
    if reseller_id is None:
        return Owner(None, ROOT_PATH)
    reseller = await store.resellers.get(reseller_id)
    return Owner(reseller.id, reseller.owner_path)
