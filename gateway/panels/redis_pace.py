"""The Pace in Redis: one script decides each turn, by the clock of the Redis server.

| key                        | holds                                                             |
|----------------------------|-------------------------------------------------------------------|
| `xgw:pace:1:state:{panel}` | tokens, the row of calls, and when the panel was last asked       |
| `xgw:pace:1:leases:{panel}`| who holds a turn, until when                                      |
| `xgw:pace:1:wants:{panel}` | which process waits, at which priority, until when that is true   |

The state carries the server's `run_id`: after a restart, a restore or a failover it may be old,
so it is thrown away, and the present row counts as almost full. A turn whose process died ends
with its lease. No key outlives its last use by an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.domain.ids import PanelId
from gateway.panels.shared_pacing import PaceAway, Wish
from gateway.services.ports.system import Clock, Random

#: Seconds that Redis may take before it counts as away, and seconds until it is tried again.
EXCHANGE_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 2.0
#: Seconds after which to ask again for what cannot be foretold: the end of somebody's call.
POLL_SECONDS: Final = 0.05
#: Of this part of a row nothing is said when the state is lost: a few calls need not wait.
_RESERVE: Final = 6
_KEYS_LIVE_SECONDS: Final = 3_600

_TAKE: Final = """
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1e6
end
local lease, lease_seconds, me, rank = ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local rate, burst, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local calls, gap, hold = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local poll, reserve, life = tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[14]
local far = 600  -- No lease is longer; what is much further ahead is of a clock that was set back.

local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '?'
local kept = redis.call('HMGET', KEYS[1], 'run', 'tokens', 'filled', 'row', 'active', 'held')
local tokens, filled, row = tonumber(kept[2]), tonumber(kept[3]), tonumber(kept[4])
local active, held = tonumber(kept[5]), tonumber(kept[6])
if kept[1] ~= run or not (tokens and filled and row and active and held) then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  tokens, filled, row, active, held = 1, now, math.max(0, calls - reserve), now, 0
end
if filled > now + 1 then filled = now end
if active > now + 1 then active = now end
if held > now + far then held = 0 end

local ended = redis.call('ZREVRANGEBYSCORE', KEYS[2], now, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
if ended[2] then
  active = math.max(active, tonumber(ended[2]))
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + 2 * far, '+inf')
local busy = redis.call('ZCARD', KEYS[2])

if hold > 0 then
  held = math.max(held, now + hold)
  row = math.max(row, calls)
  active = math.max(active, now)
end
if busy == 0 and now - active >= gap - 1e-5 then row = 0 end
tokens = math.min(burst, tokens + math.max(0, now - filled) * rate)
filled = math.max(filled, now)

local wait = 0
if busy >= most then
  wait = poll
elseif calls > 0 and row >= calls then
  wait = busy > 0 and poll or active + gap - now
elseif tokens < 1 - 1e-5 then
  wait = (1 - tokens) / rate
end
wait = math.max(wait, held - now)

local wants = redis.call('HGETALL', KEYS[3])
for i = 1, #wants, 2 do
  local other, ends = string.match(wants[i + 1], '^(%d+):([%d.]+)$')
  if not ends or tonumber(ends) < now or tonumber(ends) > now + far then
    redis.call('HDEL', KEYS[3], wants[i])
  elseif wants[i] ~= me and tonumber(other) < rank and wait <= 0 then
    wait = poll
  end
end

if wait <= 0 then
  tokens, row, active = tokens - 1, row + 1, math.max(active, now)
  redis.call('ZADD', KEYS[2], now + math.min(lease_seconds, far), lease)
  redis.call('HDEL', KEYS[3], me)
else
  redis.call('HSET', KEYS[3], me, string.format('%d:%.6f', rank, now + wait + 3 * poll))
end
redis.call('HSET', KEYS[1], 'run', run, 'tokens', string.format('%.6f', tokens),
  'filled', string.format('%.6f', filled), 'row', row,
  'active', string.format('%.6f', active), 'held', string.format('%.6f', held))
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], life) end
return math.ceil(math.max(0, wait) * 1000)
"""

_LEAVE: Final = """
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1e6
end
redis.call('HDEL', KEYS[3], ARGV[3])
if redis.call('ZREM', KEYS[2], ARGV[2]) == 1 and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'active', string.format('%.6f', now))
end
return 0
"""

_log: Final = structlog.get_logger("gateway.panels")

Moment: TypeAlias = Callable[[], float]


class RedisPace:
    """The Pace of all processes that use one Redis. Make it with `opened()`."""

    def __init__(
        self,
        client: Redis,
        clock: Clock,
        random: Random,
        *,
        patience: float = EXCHANGE_SECONDS,
        now: Moment | None = None,
    ) -> None:
        """Agree through *client*.

        Args:
            client: from `new_client`.
            clock: this process's.
            random: names this process.
            patience: seconds that Redis may take before it counts as away.
            now: a clock that all processes share; None: that of Redis.
        """
        self._patience = patience
        self.outages = 0
        self._client = client
        self._clock = clock
        self._now = now
        self._process = random.text(12)
        self._take = client.register_script(_TAKE)
        self._leave = client.register_script(_LEAVE)
        self._away_until: float | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, clock: Clock, random: Random) -> AsyncIterator[RedisPace]:
        """Yield a Pace in the Redis at *url*; connects when it is first used."""
        client = new_client(url)
        try:
            yield cls(client, clock, random)
        finally:
            await client.aclose()

    async def take(self, wish: Wish) -> float:
        """Ask for a turn; see Pace."""
        if self._away_until is not None and self._clock.monotonic() < self._away_until:
            raise PaceAway
        limits, guard = wish.limits, wish.limits.flood_guard
        calls = 0 if guard is None else guard.calls
        arguments: list[str | float] = [
            self._moment(),
            wish.lease,
            wish.lease_seconds,
            self._process,
            int(wish.priority),
            limits.calls_per_second,
            limits.burst,
            limits.in_flight,
            calls,
            wish.gap_seconds,
            # The others may still call on their own until they try Redis again.
            RETRY_SECONDS + wish.gap_seconds if wish.changed_over else 0,
            POLL_SECONDS,
            max(1, calls // _RESERVE),
            _KEYS_LIVE_SECONDS,
        ]
        milliseconds = await self._run(self._take, wish.panel_id, arguments)
        return int(milliseconds) / 1000

    async def leave(self, panel_id: PanelId, lease: str) -> None:
        """Give a turn back; see Pace."""
        if self._away_until is None:
            try:
                await self._run(self._leave, panel_id, [self._moment(), lease, self._process])
            except PaceAway:
                return

    def _moment(self) -> str | float:
        return "" if self._now is None else self._now()

    async def _run(self, script: Any, panel_id: PanelId, arguments: list[str | float]) -> Any:  # noqa: ANN401 - redis-py types scripts so.
        names = ("state", "leases", "wants")
        keys = [f"xgw:pace:1:{name}:{{{panel_id}}}" for name in names]
        try:
            async with asyncio.timeout(self._patience):
                answer = await cast("Awaitable[Any]", script(keys=keys, args=arguments))
        except (RedisError, OSError, TimeoutError, RuntimeError) as error:
            # RuntimeError: uvloop's word for a connection that the server has reset.
            self._went_away(error)
            raise PaceAway from None
        if self._away_until is not None:
            self._away_until = None
            _log.info("panel.pace_shared")
        return answer

    def _went_away(self, error: Exception) -> None:
        if self._away_until is None:
            self.outages += 1
            _log.warning("panel.pace_alone", reason=type(error).__name__)
        self._away_until = self._clock.monotonic() + RETRY_SECONDS


def new_client(url: str, *, patience: float = EXCHANGE_SECONDS) -> Redis:
    """Return a client that neither waits nor repeats longer than a turn may.

    Raises:
        ValueError: *url* is not a Redis address.
    """
    return Redis.from_url(
        url,
        decode_responses=False,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        socket_timeout=patience,
        socket_connect_timeout=patience,
    )
