"""The scripts that write to Redis, so that what is compared and what is written is one step.

Where Redis is out of memory and refuses to store, they delete, which it always allows: to hold no
value and no epoch is true as well.
"""

from __future__ import annotations

from typing import Final

#: Numbers that Lua's doubles hold exactly; anything else in an epoch key counts as nothing.
EPOCH_DIGITS_MAX: Final = 15
#: What a claim begins with, here and in the scripts: no epoch does.
CLAIM_MARK: Final = "?"

_HELD: Final = """
local function held(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'string' and #text <= 15 and string.match(text, '^%d+$') then
    return tonumber(text)
  end
end
local function store(key, text, milliseconds)
  local done = redis.pcall('SET', key, text, 'PX', milliseconds)
  if done.err then
    redis.call('DEL', KEYS[1], KEYS[2])
  end
  return not done.err
end
"""

#: KEYS: epoch, value. ARGV: epoch, its life in ms. Only ever raises what is known, and ends claims:
#: where nothing is known, everybody asks the database anyway. Says 1 if nothing older stands now.
RAISE_EPOCH: Final = (
    _HELD
    + """
local known = held(KEYS[1])
if not known then
  redis.call('DEL', KEYS[1])
  return 1
end
if known >= tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
return store(KEYS[1], ARGV[1], ARGV[2]) and 1 or 0
"""
)

#: KEYS: epoch, value. ARGV: a claim, its life in ms. Says which claim stands now; none beside an
#: epoch. A claim begins with `?`, so that it counts as no epoch.
CLAIM: Final = (
    _HELD
    + """
if held(KEYS[1]) then
  return false
end
local present = redis.pcall('GET', KEYS[1])
if type(present) == 'string' and string.sub(present, 1, 1) == '?' then
  return present
end
return store(KEYS[1], ARGV[1], ARGV[2]) and ARGV[1]
"""
)

#: KEYS: epoch, value. ARGV: epoch, its life in ms, the claim. Says 1 if it stands now.
TEACH: Final = (
    _HELD
    + """
if redis.pcall('GET', KEYS[1]) ~= ARGV[3] then
  return 0
end
return store(KEYS[1], ARGV[1], ARGV[2]) and 1 or 0
"""
)

#: KEYS: epoch, value. ARGV: epoch, its life in ms, the sealed value, its life in ms.
#: Says 1 if it is kept.
PUT: Final = (
    _HELD
    + """
local known, mine = held(KEYS[1]), tonumber(ARGV[1])
if known and known > mine then
  return 0
end
if known and known < mine and not store(KEYS[1], ARGV[1], ARGV[2]) then
  return 0
end
if known then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return store(KEYS[2], ARGV[3], ARGV[4]) and 1 or 0
"""
)
