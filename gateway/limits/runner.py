"""Runs scripts in Redis within a time that no request feels, or says at once that it is away.

What is asked while one exchange is under way goes together in the next one. After failures a
breaker keeps everybody away for a while; then one asks again, and the others wait for his answer
no longer than for any other.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from gateway.services.ports.system import Clock

#: Seconds that Redis may take before it counts as away, and seconds until it is tried again.
PATIENCE_SECONDS: Final = 0.05
#: Nobody waits so long; it is for connecting, and for answers that come late but do come.
EXCHANGE_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 1.0
#: A single answer may be late because this process is busy; so many in a row may not.
LATE_MAX: Final = 3
_BATCH_MAX: Final = 64

_log: Final = structlog.get_logger("gateway.limits")


class Away(Exception):
    """Redis does not answer, or not in time. The script may have run."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest by which Redis knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)


@dataclass(frozen=True, slots=True)
class _Asked:
    script: Script
    keys: Sequence[str]
    arguments: Sequence[str | int]
    answer: asyncio.Future[Any]


class ScriptRunner:
    """Runs scripts in one Redis. Belongs to one event loop; make it with `opened()`."""

    def __init__(
        self, client: Redis, clock: Clock, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._client = client
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._waiting: list[_Asked] = []
        self._task: asyncio.Task[None] | None = None
        self._late = 0
        self._away_until: float | None = None

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, url: str, clock: Clock, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> AsyncIterator[ScriptRunner]:
        """Yield a runner over the Redis at *url*; connects when it is first used.

        Raises:
            ValueError: *url* is not a Redis address.
        """
        runner = cls(new_client(url), clock, patience_seconds=patience_seconds)
        try:
            yield runner
        finally:
            await runner.close()

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:  # noqa: ANN401 - what a script returns
        """Return what *script* answers.

        Raises:
            Away: it does not answer in time, or has not lately.
        """
        self._pass_breaker()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(script, keys, arguments, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._exchange_all(), name="limits")
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await answer
        except TimeoutError:
            self._note_late()
            raise Away from None

    async def close(self) -> None:
        """End what is under way, and close the connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._client.aclose()

    def _pass_breaker(self) -> None:
        """Let through, or refuse; after a pause one is let through to try.

        Raises:
            Away
        """
        if self._away_until is None:
            return
        now = self._clock.monotonic()
        if now < self._away_until:
            raise Away
        self._away_until = now + RETRY_SECONDS

    async def _exchange_all(self) -> None:
        while self._waiting:
            batch = [asked for asked in self._waiting[:_BATCH_MAX] if not asked.answer.done()]
            self._waiting = self._waiting[_BATCH_MAX:]
            if not batch:
                continue
            began = self._clock.monotonic()
            try:
                async with asyncio.timeout(EXCHANGE_SECONDS):
                    answers = await self._exchange(batch)
            except (RedisError, OSError, RuntimeError) as error:
                # OSError: a time-out as well. RuntimeError: what uvloop calls a connection that the
                # server has reset.
                self._went_away(error)
                _fail(batch)
            except BaseException:
                _fail(batch)
                raise
            else:
                if self._clock.monotonic() - began < self._patience_seconds:
                    self._came_back()
                for asked, answer in zip(batch, answers, strict=True):
                    if not asked.answer.done():
                        asked.answer.set_result(answer)

    async def _exchange(self, batch: Sequence[_Asked]) -> list[Any]:
        answers = await self._sent(batch)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            for script in {asked.script for asked in batch}:
                await self._client.script_load(script.text)
            # Those that have run must not run twice: only the others are sent again.
            again = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            second = await self._sent([batch[n] for n in again])
            for place, answer in zip(again, second, strict=True):
                answers[place] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _sent(self, batch: Sequence[_Asked]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for asked in batch:
                texts = (*asked.keys, *map(str, asked.arguments))
                pipe.evalsha(asked.script.sha, len(asked.keys), *texts)  # type: ignore[unused-awaitable]  # Only noted.
            return await pipe.execute(raise_on_error=False)

    def _note_late(self) -> None:
        self._late += 1
        if self._late >= LATE_MAX:
            self._went_away(TimeoutError())

    def _went_away(self, error: Exception) -> None:
        if self._away_until is None:
            _log.warning("limits.alone", reason=type(error).__name__)
        self._away_until = self._clock.monotonic() + RETRY_SECONDS

    def _came_back(self) -> None:
        self._late = 0
        if self._away_until is not None:
            self._away_until = None
            _log.info("limits.shared")


def _fail(batch: Sequence[_Asked]) -> None:
    for asked in batch:
        if not asked.answer.done():
            asked.answer.set_exception(Away())


def new_client(url: str) -> Redis:
    """Return a client that repeats nothing.

    Raises:
        ValueError: *url* is not a Redis address.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
    )
