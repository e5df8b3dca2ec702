"""API keys: from the text in `Authorization` to a Caller.

The database knows only the SHA-256 of a key, and is asked for exactly that: no secret is compared
with another, so there is no comparison whose time could tell anything. A key has 256 random bits;
its plain digest cannot be reversed, and needs no slow hash.

All refusals carry one text: they do not tell an unknown key from a revoked one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from gateway.domain.caller import OPERATOR_ONLY, ROOT_PATH, Caller, CallerKind
from gateway.domain.errors import GatewayError
from gateway.domain.keys import Key, has_key_shape, key_digest
from gateway.identity.addresses import is_allowed
from gateway.identity.refusals import refusal
from gateway.services.lockouts import LocalLocks, Lockouts, of_address
from gateway.services.scope import system_scope

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import KeyId
    from gateway.domain.proofs import Proof
    from gateway.services.ports.store import Database
    from gateway.services.ports.system import Clock

#: The id of the caller that every operator key speaks for; `key_id` tells them apart.
OPERATOR_ID: Final = "operator"
TOUCH_EVERY_SECONDS: Final = 60
TOUCH_SECONDS_MAX: Final = 1.0
TOUCHED_MAX: Final = 10_000

log = structlog.get_logger(__name__)


class ApiKeys:
    """The `Identity` port over the keys in our database.

    Args:
        lockouts: keeps addresses waiting that send keys which do not exist; None: one of its own.
        touch_seconds_max: how long noting the use of a key may hold a request up.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lockouts: Lockouts | None = None,
        touch_seconds_max: float = TOUCH_SECONDS_MAX,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lockouts = lockouts or Lockouts(LocalLocks(clock))
        self._touch_seconds_max = touch_seconds_max
        self._touched: OrderedDict[KeyId, float] = OrderedDict()

    async def identify(self, bearer: str, ip: str | None, proof: Proof | None = None) -> Caller:
        """Return the caller of a key. See the port.

        Texts that cannot be a key are refused without asking the database. A suspended reseller is
        a caller still (it may read). Only keys that do not exist count as wrong guesses: who sends
        one that has ended once had it.

        Raises:
            RateLimited: too many wrong keys came from this address; the database is not asked.
        """
        if proof is not None:
            _refuse("scheme")
        if not has_key_shape(bearer):
            _refuse("shape")
        address = of_address(ip)
        await self._lockouts.check(address)
        now = self._clock.now()
        async with self._database.read(system_scope()) as store:
            key = await store.keys.find_by_digest(key_digest(bearer))
            if key is None:
                await self._lockouts.failed(address)
                _refuse("unknown")
            if not key.is_usable_at(now):
                _refuse("revoked_or_expired", key)
            if not is_allowed(ip, key.allowed_ips):
                _refuse("address", key)
            suspended = key.reseller_id is not None and await store.resellers.is_suspended(
                key.owner_path
            )
        caller = _caller_of(key, suspended=suspended)
        await self._touch(key, now)
        return caller

    async def _touch(self, key: Key, now: datetime) -> None:
        """Note the use of a key, at most once a minute; failing to do so is no reason to refuse."""
        if key.last_used_at is not None:
            idle_seconds = (now - key.last_used_at).total_seconds()
            if 0 <= idle_seconds < TOUCH_EVERY_SECONDS:
                return
        if not self._is_my_turn(key.id):
            return
        try:
            async with (
                asyncio.timeout(self._touch_seconds_max),
                self._database.write(system_scope()) as store,
            ):
                await store.keys.touch(key.id, now)
        except (GatewayError, TimeoutError) as error:
            log.warning("key.touch_failed", key_id=key.id, error=type(error).__name__)

    def _is_my_turn(self, key_id: KeyId) -> bool:
        """Tell whether this process has not tried for a minute; many requests come at once."""
        now = self._clock.monotonic()
        tried_at = self._touched.get(key_id)
        if tried_at is not None and now - tried_at < TOUCH_EVERY_SECONDS:
            return False
        self._touched[key_id] = now
        self._touched.move_to_end(key_id)
        if len(self._touched) > TOUCHED_MAX:
            self._touched.popitem(last=False)
        return True


def _caller_of(key: Key, *, suspended: bool) -> Caller:
    if key.reseller_id is None:
        return Caller(
            kind=CallerKind.OPERATOR,
            id=OPERATOR_ID,
            key_id=key.id,
            owner_path=ROOT_PATH,
            permissions=key.permissions,
            rate_limit=key.rate_limit,
        )
    if not key.owner_path.endswith(f"/{key.reseller_id}/"):
        # A reseller whose path is not its own could see others: such a row must never speak.
        log.error("key.owner_path_wrong", key_id=key.id, reseller_id=key.reseller_id)
        _refuse("owner_path", key)
    return Caller(
        kind=CallerKind.RESELLER,
        id=key.reseller_id,
        key_id=key.id,
        reseller_id=key.reseller_id,
        owner_path=key.owner_path,
        permissions=key.permissions - OPERATOR_ONLY,
        suspended=suspended,
        rate_limit=key.rate_limit,
    )


def _refuse(why: str, key: Key | None = None) -> NoReturn:
    """Refuse with the one text; only the log says why.

    Raises:
        Unauthenticated: always.
    """
    log.info("key.refused", why=why, key_id=key.id if key is not None else None)
    raise refusal()
