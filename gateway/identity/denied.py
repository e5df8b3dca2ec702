"""Tokens that were revoked, as all processes know them within seconds.

What was revoked stands in the database until the token would have ended anyway, at most 15 minutes.
A process asks for what is new when a token comes, at most every two seconds. While the database
cannot be read for longer than that, nobody can say that a token was not revoked: none is taken.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from gateway.domain.errors import GatewayError, ServiceUnavailable
from gateway.domain.signing import TOKEN_LIFE_MAX
from gateway.services.scope import system_scope

if TYPE_CHECKING:
    from gateway.domain.oauth import RevokedToken
    from gateway.services.ports.store import Database
    from gateway.services.ports.system import Clock

#: How often the database is asked for what is new.
EVERY_SECONDS: Final = 2.0
#: How long what is known may be relied on while it cannot be asked.
PATIENCE_SECONDS: Final = 5.0
#: How long one asking may take.
ASK_SECONDS_MAX: Final = 1.5
#: Rows may become visible later than others that bear a later time, and clocks differ.
OVERLAP: Final = timedelta(seconds=60)

log = structlog.get_logger(__name__)


class Denied:
    """The port Denials over the tokens in our database that were revoked."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._ends: dict[str, datetime] = {}
        self._newest: datetime | None = None
        self._known_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def is_denied(self, token_id: str) -> bool:
        """Tell whether a token was revoked. See the port."""
        if self._is_due():
            async with self._asking:
                if self._is_due():
                    await self._ask()
        if self._clock.monotonic() - self._known_at > PATIENCE_SECONDS:
            raise ServiceUnavailable(
                "Whether this token was revoked cannot be found out now.", retry_after_seconds=5
            )
        return token_id in self._ends

    def deny(self, token_id: str) -> None:
        """Let this process know at once of a token that was revoked just now."""
        self._ends[token_id] = self._clock.now() + TOKEN_LIFE_MAX

    def _is_due(self) -> bool:
        return self._clock.monotonic() - self._asked_at >= EVERY_SECONDS

    async def _ask(self) -> None:
        self._asked_at = asked_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                found = await self._read()
        except (GatewayError, TimeoutError) as error:
            log.warning("revoked_tokens.not_read", error=type(error).__name__)
            return
        self._known_at = asked_at
        now = self._clock.now()
        self._ends = {name: ends for name, ends in self._ends.items() if ends > now}
        self._ends |= {token.id: token.expires_at for token in found}

    async def _read(self) -> tuple[RevokedToken, ...]:
        now = self._clock.now()
        # The first time, all: who is revoked now was issued a token's life ago at most.
        since = now - TOKEN_LIFE_MAX - OVERLAP if self._newest is None else self._newest
        async with self._database.read(system_scope()) as store:
            found = await store.revoked_tokens.list_since(since - OVERLAP, now)
        if found:
            latest = max(token.revoked_at for token in found)
            self._newest = latest if self._newest is None else max(latest, self._newest)
        return found
