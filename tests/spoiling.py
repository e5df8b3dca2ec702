"""Malformed answers of panels, and what a spoilt one still says, read by other code than ours.

`says_what_is_right` is the oracle: it takes each field as a panel of any revision may spell it, as
docs and recordings have it, and no stricter. So where it says no, a success would be wrong.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from gateway.domain.calls import LineInfo

Json = dict[str, Any]
NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: x in <b>/a.php</b> on line <b>3</b><br />\n"
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**63, 1.5, "", "0", "1", "true", "\ud83d"),
    *("00", "01", " ", " 1", "1 ", "\u0661", "1e3", "-0", "\0"),
    *([], {}, [[]], ["x"], [None], {"1": "1"}),
]
BEFORE = [NOTICE, b"\xef\xbb\xbf", b"\n\n", b"x", b"<html>", b"["]
AFTER = [b" ", b"\n", b"x", b"}", b"{}", NOTICE, b"\x00"]
MEMBERS = [
    *(b'"result":true}', b'"error":"EXISTS"}', b'"error":null}', b'"0":"KEY WRONG"}'),
    *(b'"x":NaN}', b'"x":1e999}', b'"x":' + b"[" * 40 + b"]" * 40 + b"}", b"}"),
]
OTHERS = [
    *(b"", b"null", b"true", b"[]", b"{}", b"no config found", b"<html>Login</html>"),
    *(b'{"result":false}', b'{"error":"MySQL: gone"}', b'{"result":false,"0":"IP FORBIDDEN"}'),
    *(b'{"result":false,"error":"NOT EXISTS"}', b'{"result":false,"error":"EXISTS"}'),
    b'{"result":false,"error":"PARAMETER ERROR"}',
]
#: Words of the panel's own, without which no change may be called refused for sure.
REFUSALS = (b"EXISTS", b"PARAMETER", b"FORBIDDEN", b"WRONG")

#: From 2038 on an expiry reads as never.
SENTINEL = 2_145_916_800
#: Switches of an info answer, and what they are where the panel does not say.
SWITCHES = {"enabled": True, "admin_enabled": True, "is_trial": False, "is_restreamer": False}
LISTS = ("allowed_ips", "allowed_ua")


def spoilt(random: random.Random, answer: Json) -> bytes:
    """Return a body that is wrong in some way, or in none that matters."""
    text = json.dumps(answer).encode()
    place = random.randrange(len(text) + 1)
    ways: list[Callable[[], bytes]] = [
        lambda: text[:place],
        lambda: text[place:],
        lambda: text[:place] + bytes([random.randrange(256)]) + text[place + 1 :],
        lambda: text[:place] + random.randbytes(random.randrange(1, 9)) + text[place:],
        lambda: text[:place] + random.choice([b"0", b" ", b"\n", b"\\u0000"]) + text[place:],
        lambda: text + random.choice([*AFTER, text]),
        lambda: random.choice([*BEFORE, text]) + text,
        lambda: json.dumps(changed(random, answer)).encode(),
        lambda: json.dumps(changed(random, changed(random, answer))).encode(),
        lambda: text.replace(b"true", random.choice([b"1", b'"true"', b"True", b"false", b"NaN"])),
        lambda: text[:-1] + b"," + random.choice(MEMBERS),
        lambda: random.choice(OTHERS),
        lambda: random.randbytes(random.randrange(200)),
        lambda: json.dumps([answer]).encode(),
        lambda: text.decode().encode(random.choice(["utf-16", "utf-32", "utf-8-sig"])),
    ]
    return random.choice(ways)()


def changed(random: random.Random, answer: Json) -> Json:
    """Return the answer with one member replaced, renamed or gone."""
    inside = [name for name, value in answer.items() if isinstance(value, dict)]
    if inside and random.random() < 0.8:
        name = random.choice(inside)
        return answer | {name: changed(random, answer[name])}
    name = random.choice(list(answer) or ["x"])
    rest = {key: value for key, value in answer.items() if key != name}
    match random.randrange(3):
        case 0:
            return rest
        case 1:
            return rest | {name.upper(): answer.get(name)}
        case _:
            return rest | {name: random.choice(ODD)}


# --- the oracle -----------------------------------------------------------------------------------


def found_in(said: bytes) -> Json | None:
    """Return the object that a body holds, whatever stands before it."""
    try:
        text = said.decode("utf-8")
        found = json.loads(text[text.index("{") :])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def says_what_is_right(said: bytes, right: Json) -> bool:
    """Tell whether a body still says all that matters of what it should have said."""
    found = found_in(said)
    if found is None or found.get("result") is not True or "error" in found:
        return False
    if "mag_device" in right:
        device = found.get("mag_device")
        if not isinstance(device, dict) or not _is_this_device(device, right["mag_device"]):
            return False
    if "user_info" in right:
        info = found.get("user_info")
        return isinstance(info, dict) and _is_as_asked(info, right["user_info"])
    return all(
        _number(found.get(name)) == value if name == "created_id" else found.get(name) == value
        for name, value in right.items()
    )


def said_is_shown(said: bytes, shown: LineInfo) -> bool:
    """Tell whether what we show of a line or device is what a body says of it."""
    found = found_in(said)
    if found is None or found.get("result") is not True or "error" in found:
        return False
    info = found["user_info"]
    term = _term(info["exp_date"])
    expires_at = None if term == "never" else max(0, int(term or 0))
    return (
        info["username"] == shown.username
        and expires_at == (None if shown.expires_at is None else shown.expires_at.timestamp())
        and (_number(info["max_connections"]) or None) == shown.max_connections
        and all(
            _switch(info.get(name), it) == getattr(shown, name) for name, it in SWITCHES.items()
        )
    )


def denies_it(said: bytes, right: Json) -> bool:
    """Tell whether a body says that there is no such line or device, or tells of another."""
    found = found_in(said) or {}
    if found.get("result") is False and found.get("error", "NOT EXISTS") == "NOT EXISTS":
        return True
    info = found.get("user_info", {})
    return any(info.get(name) != right["user_info"][name] for name in ("username", "password"))


def changed_nothing(said: bytes) -> bool:
    """Tell whether a body says that an edit of a device changed nothing; info tells which."""
    return found_in(said) in ({"result": False}, {"result": False, "error": "NOT EXISTS"})


def _is_this_device(said: Json, right: Json) -> bool:
    return said.get("mac") == right["mac"] and (_number(said.get("mag_id")) or 0) > 0


def _is_as_asked(said: Json, right: Json) -> bool:
    """Compare what is held against a change; what is not there counts as not said."""
    if right["is_mag"] == "0":  # Nobody is told the name and password behind a device.
        pair = ("username", "password")
        if any(said.get(name, right[name]) != right[name] for name in pair):
            return False
    term = _term(said.get("exp_date")) == _term(right["exp_date"])
    connections = _number(said.get("max_connections")) == _number(right["max_connections"])
    switches = all(
        _switch(said.get(name), default) == _switch(right[name], default)
        for name, default in SWITCHES.items()
    )
    lists = _numbers(said.get("bouquet")) == _numbers(right["bouquet"]) and all(
        _texts(said.get(name)) == _texts(right[name])
        for name in LISTS
        if name != "allowed_ua" or right["is_mag"] == "0"  # Panels drop those of new devices.
    )
    owner = right["member_id"] is None or _number(said.get("member_id")) in {
        *(None, _number(right["member_id"])),
    }
    notes = _text(said.get("reseller_notes")).strip() == right["reseller_notes"].strip()
    same = (term, connections, switches, lists, owner, notes, _is_this_row(said, right))
    return all(same)


def _is_this_row(said: Json, right: Json) -> bool:
    """Compare row ids; only that of a line is known beforehand, from the answer to its creation."""
    row = _number(said.get("id")) or 0
    return row > 0 if right["is_mag"] == "1" else row == _number(right["id"])


def _number(value: Any) -> int | None:
    """Read a whole number as panels send it: a number, or a text of ASCII digits."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) < 10**18 else None


def _term(value: Any) -> int | str | None:
    """Read an expiry; where it is never, that word."""
    number = _number(value)
    is_never = value is None or value == "" or (number is not None and number >= SENTINEL)
    return "never" if is_never else number


def _switch(value: Any, default: bool) -> bool:
    number = int(value) if isinstance(value, bool) else _number(value)
    return default if number is None else number != 0


def _text(value: Any) -> str:
    number = _number(value)
    if isinstance(value, str):
        return value.replace("\0", "")
    return "" if number is None else str(number)


def _numbers(value: Any) -> list[int | None] | None:
    return sorted(map(_number, value), key=str) if isinstance(value, list) else None


def _texts(value: Any) -> list[str] | None:
    """Read a list, or an object in its place, as PHP prints a list that lost items."""
    items = list(value.values()) if isinstance(value, dict) else value
    return sorted(filter(None, map(_text, items))) if isinstance(items, list) else None
