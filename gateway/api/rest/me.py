"""`/v1/me`: who is asking."""

from __future__ import annotations

from gateway.api.rest.policy_shapes import PolicyOut, policy_out
from gateway.api.rest.routing import get
from gateway.api.rest.shapes import Out
from gateway.domain.caller import CallerKind, Me, Permission
from gateway.services import me
from gateway.services.context import Context


class MeOut(Out, frozen=True, kw_only=True):
    """The caller, what it may do, and the policy of its reseller; operators have none."""

    kind: CallerKind
    reseller_id: str | None
    key_id: str | None
    permissions: tuple[Permission, ...]
    policy: PolicyOut | None


@get("/v1/me", needs=None)
async def who_am_i(context: Context) -> MeOut:
    """Read who you are to the gateway and what you may do."""
    return me_out(await me.who_am_i(context))


def me_out(found: Me) -> MeOut:
    """Return the public shape of a caller."""
    return MeOut(
        kind=found.kind,
        reseller_id=found.reseller_id,
        key_id=found.key_id,
        permissions=tuple(each for each in Permission if each in found.permissions),
        policy=None if found.policy is None else policy_out(found.policy),
    )
