"""Who is asking: what a caller may know of itself."""

from __future__ import annotations

from gateway.domain.caller import CallerKind, Me
from gateway.services.action import Action, Subscriber, action


@action("me.read", needs=None, subscriber=Subscriber.MAY)
async def who_am_i(act: Action) -> Me:
    """Return the caller, its permissions and its reseller's policy.

    A storefront is shown no policy: it says what the reseller may do.
    """
    caller = act.context.caller
    policy = None
    if caller.reseller_id is not None and caller.kind is not CallerKind.STOREFRONT:
        async with act.read() as store:
            policy = (await store.resellers.get(caller.reseller_id)).effective_policy
    return Me(
        kind=caller.kind,
        reseller_id=caller.reseller_id,
        key_id=caller.key_id,
        permissions=caller.permissions,
        policy=policy,
    )
