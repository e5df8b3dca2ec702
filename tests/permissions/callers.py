"""Everybody who can come: nobody, and of each sort one for each permission, with that one only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.domain.caller import OPERATOR_ONLY, ROOT_PATH, Caller, CallerKind, Permission
from gateway.domain.ids import IdKind, ResellerId
from tests.factories import an_id
from tests.pretenders import CLIENT_ID

RESELLER = ResellerId(an_id(IdKind.RESELLER))
LINE = an_id(IdKind.LINE)
DEVICE = an_id(IdKind.DEVICE)


@dataclass(frozen=True, slots=True)
class Visitor:
    """One who comes, under a bearer that says who; `caller` None: without any."""

    bearer: str
    caller: Caller | None


def visitors() -> Iterator[Visitor]:
    """Yield them all."""
    yield Visitor("", None)
    operator = Caller(kind=CallerKind.OPERATOR, id="operator", key_id="key_1")
    reseller = Caller(
        kind=CallerKind.RESELLER,
        id=RESELLER,
        key_id="key_2",
        reseller_id=RESELLER,
        owner_path=f"{ROOT_PATH}{RESELLER}/",
    )
    token = {"key_id": CLIENT_ID, "token_id": "tok_1", "chain": ("somebody",)}
    sorts = {
        "operator-key": operator,
        "reseller-key": reseller,
        "operator-token": replace(operator, **token),  # type: ignore[arg-type]  # Its members.
        "reseller-token": replace(reseller, **token),  # type: ignore[arg-type]  # As above.
        "line-storefront": _storefront(reseller, LINE),
        "device-storefront": _storefront(reseller, DEVICE),
    }
    for sort, caller in sorts.items():
        for permission in Permission:
            held = frozenset({permission})
            if caller.kind is not CallerKind.OPERATOR:
                held -= OPERATOR_ONLY  # As identity does.
            bearer = f"{sort}.{permission.value.replace(':', '.')}"
            yield Visitor(bearer, replace(caller, permissions=held))


def _storefront(reseller: Caller, resource_id: str) -> Caller:
    return replace(
        reseller,
        kind=CallerKind.STOREFRONT,
        id=resource_id,
        resource_id=resource_id,
        key_id=CLIENT_ID,
        chain=(CLIENT_ID,),
    )
