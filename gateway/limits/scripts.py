"""The scripts that count in Redis, by the clock of its server. Each is one step.

They do the arithmetic of `domain/limits.py`, in whole microseconds, which Lua's doubles hold
exactly. What is kept ends by itself. A number that is far ahead is of a clock that was set back,
and is cut.
"""

from __future__ import annotations

from typing import Final

#: ARGV[1]: a moment, empty: the server's.
_NOW: Final = """
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
"""

#: KEYS: buckets. ARGV after the moment: interval, window and cost of each.
#: Returns when each is full again, then how long each makes wait; microseconds from now.
TAKE: Final = (
    _NOW
    + """
local full, waits, taken, answer = {}, {}, true, {}
for i = 1, #KEYS do
  local interval, window = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local cost = tonumber(ARGV[3 * i + 1])
  local moment = tonumber(redis.call('GET', KEYS[i])) or now
  full[i] = math.min(math.max(moment, now), now + 2 * window)
  waits[i] = math.max(0, full[i] + math.min(cost * interval, window) - window - now)
  if waits[i] > 0 then taken = false end
end
for i = 1, #KEYS do
  if taken then
    local interval, window = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    full[i] = math.min(full[i] + tonumber(ARGV[3 * i + 1]) * interval, now + 2 * window)
    local life = math.ceil((full[i] - now) / 1000) + 1
    redis.call('SET', KEYS[i], string.format('%.0f', full[i]), 'PX', string.format('%.0f', life))
  end
  answer[i] = full[i] - now
  answer[#KEYS + i] = waits[i]
end
return answer
"""
)

#: KEYS: subjects. Returns the longest time that one of them is still locked; microseconds.
LOCKED_FOR: Final = (
    _NOW
    + """
local longest = 0
for i = 1, #KEYS do
  longest = math.max(longest, (tonumber(redis.call('HGET', KEYS[i], 'locked')) or 0) - now)
end
return math.min(longest, tonumber(ARGV[2]))
"""
)

#: KEYS: subjects. ARGV after the moment: free_max, window, first and longest lock; microseconds.
FAILED: Final = (
    _NOW
    + """
local free, window, first = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local longest = tonumber(ARGV[5])
for i = 1, #KEYS do
  local kept = redis.call('HMGET', KEYS[i], 'failures', 'since', 'level', 'locked')
  local failures, since = tonumber(kept[1]) or 0, tonumber(kept[2]) or now
  local level, locked = tonumber(kept[3]) or 0, math.min(tonumber(kept[4]) or 0, now + longest)
  local over = level == 0 and now >= since + window or level > 0 and now >= locked + longest
  if over then failures, since, level, locked = 0, now, 0, 0 end
  if now >= locked then
    failures = failures + 1
    if failures >= free then
      locked = now + math.min(longest, first * 2 ^ math.min(level, 30))
      level = level + 1
    end
    redis.call('HSET', KEYS[i], 'failures', failures, 'since', string.format('%.0f', since),
      'level', level, 'locked', string.format('%.0f', locked))
    local life = math.max(since + window, level > 0 and locked + longest or 0) - now
    redis.call('PEXPIRE', KEYS[i], string.format('%.0f', math.ceil(life / 1000) + 1))
  end
end
return 0
"""
)
