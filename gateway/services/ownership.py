"""Whose rows a new row belongs to, and what its owner may be given."""

from __future__ import annotations

from gateway.domain.caller import (
    ALL_PERMISSIONS,
    RESELLER_PERMISSIONS,
    ROOT_PATH,
    Caller,
    Permission,
)
from gateway.domain.errors import PermissionDenied
from gateway.domain.ids import ResellerId
from gateway.services.audit_log import Owner
from gateway.services.ports.store import Store


def idempotency_owner(caller: Caller) -> str:
    """Return who Idempotency-Keys belong to: the reseller, or all operators together.

    Those of a storefront belong to its line or device, so no page meets the keys of another.
    """
    return caller.resource_id or caller.reseller_id or "operator"


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


def givable(caller: Caller, reseller_id: ResellerId | None) -> frozenset[Permission]:
    """Return what *caller* can give to a key or a client of *reseller_id*; None: the operator's."""
    return caller.permissions & (ALL_PERMISSIONS if reseller_id is None else RESELLER_PERMISSIONS)


def check_givable(
    caller: Caller, permissions: frozenset[Permission], reseller_id: ResellerId | None
) -> None:
    """Let a caller give only what it has, and to a reseller nothing that is for operators.

    Raises:
        PermissionDenied
    """
    excess = sorted(permissions - givable(caller, reseller_id))
    if excess:
        raise PermissionDenied(f"You cannot give: {', '.join(excess)}.")
