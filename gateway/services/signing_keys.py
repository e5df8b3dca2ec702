"""Keys that sign tokens: making the next one in time, and showing the public halves."""

from __future__ import annotations

import json
from typing import Any

from joserfc.jwk import ECKey

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.errors import StateConflict
from gateway.domain.secrets import Secret
from gateway.domain.signing import ALGORITHM, MARGIN, DueKey, SigningKey, due_at, gone_after
from gateway.services.action import Action, action
from gateway.services.authority import authority_of
from gateway.services.records import facts_of


@action("signing_key.rotate", needs=Permission.OPERATIONS_RESOLVE, is_audited=True)
async def rotate_signing_keys(act: Action) -> int:
    """Make the key that is due, and forget those that are gone; return how many were made.

    Safe to run in many processes at once: of each number there can be one key only.
    """
    async with act.read() as store:
        now = act.ports.clock.now() + await store.clock_ahead()
        keys = await store.signing_keys.list()
    if any(key.gone_at is not None and key.gone_at < now - MARGIN for key in keys):
        async with act.write() as store:
            await store.signing_keys.delete_gone(now - MARGIN)
    due = due_at(keys, now)
    if due is None:
        return 0
    made = await _make(act, due)
    authority_of(act.ports).signer.forget()
    return made


@action("signing_key.list", needs=None)
async def list_public_keys(act: Action) -> list[dict[str, Any]]:
    """Return the JWKs that our tokens are verified with, the newest first."""
    return await authority_of(act.ports).signer.public_keys()


async def _make(act: Action, due: DueKey) -> int:
    """Add the key and let the one before it end; return 0 where another process was quicker."""
    key = _new_key(act, due)
    async with act.write() as store:
        try:
            await store.signing_keys.add(key)
        except StateConflict:
            return 0
        if due.after is not None:
            gone_at = gone_after(key.used_from)
            await store.signing_keys.retire(due.after.id, key.used_from, gone_at)
        after = facts_of(key, act.ports.sealer)
        del after["private_jwk"]  # Not even as a digest.
        await store.audit.append(act.entry(Phase.SUCCEEDED, resource_id=None, after=after))
    return 1


def _new_key(act: Action, due: DueKey) -> SigningKey:
    pair = ECKey.generate_key("P-256")
    kid = pair.thumbprint()
    return SigningKey(
        id=kid,
        number=due.number,
        alg=ALGORITHM,
        private_jwk=Secret(json.dumps(pair.as_dict(private=True))),
        created_at=act.ports.clock.now(),
        used_from=due.used_from,
    )
