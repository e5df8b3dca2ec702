"""Whose rows a new row belongs to."""

from __future__ import annotations

from gateway.domain.caller import ROOT_PATH, Caller


def idempotency_owner(caller: Caller) -> str:
    """Return who Idempotency-Keys belong to: the reseller, or all operators together."""
    return caller.reseller_id or "operator"


def own_path(caller: Caller) -> str:
    """Return the path of the caller's own rows."""
    return caller.owner_path or ROOT_PATH
