"""What `info` tells about a line: the row, and what the panel adds to it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gateway.simulator.call import Call
from gateway.simulator.coercion import Cell
from gateway.simulator.collation import search_key, sort_key
from gateway.simulator.php import PhpArray, PhpKey, PhpValue, array_key, is_empty, strip
from gateway.simulator.phpjson import CannotRead, read_array, read_json
from gateway.simulator.schema import ACCESS_OUTPUT
from gateway.simulator.tables import Row


def find_line(call: Call, username: str, password: str) -> list[Row]:
    """Return the lines with this pair as the database compares it, the oldest first."""
    wanted = search_key(password)
    rows = call.tables["users"].find(username)
    return [row for row in rows if sort_key(str(row["password"])) == wanted]


def printed(call: Call, cell: Cell) -> PhpValue:
    """Return a cell as this panel prints it: text, or its own type on later revisions."""
    if cell is None or isinstance(cell, str) or call.switches.number_types == "native":
        return cell
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def line_info(call: Call, row: Row) -> PhpArray:
    """Return everything that `info` says about a line."""
    info: PhpArray = {name: printed(call, cell) for name, cell in row.items()}
    bouquet = _decoded(row["bouquet"])
    if not call.switches.new_sorting_bouquet and isinstance(bouquet, dict):
        bouquet = _listed(sorted(bouquet.values(), key=_sorting))
    info["bouquet"] = bouquet
    for name in ("allowed_ips", "allowed_ua"):
        info[name] = _trimmed(row[name])
    if row["is_mag"] == 1 and call.switches.mag_security:
        info["mag_invalid_token"] = True
    info["active_cons"] = printed(call, active_connections(call, row["id"]))
    info["pair_line_info"] = _pair(call, row)
    info["output_formats"] = _outputs(call, row)
    info |= {"con_isp_type": None, "con_isp_name": None, "isp_violate": 0, "isp_is_server": 0}
    info["channel_ids"] = _members(call, bouquet, "bouquet_channels")
    info["series_ids"] = _members(call, bouquet, "bouquet_series")
    return info


def active_connections(call: Call, line: object) -> int:
    """Return how many connections the line has open now."""
    return len(call.tables["lines_live"].find(line)) if isinstance(line, int) else 0


def _decoded(cell: object) -> PhpValue:
    try:
        return read_json(str(cell))
    except CannotRead:
        return None


def _trimmed(cell: object) -> PhpValue:
    found = read_array(str(cell))
    if found is None:
        return None
    trimmed = {key: _trim(item) for key, item in found.items()}
    return {key: item for key, item in trimmed.items() if not is_empty(item)}


def _trim(item: PhpValue) -> PhpValue:
    if isinstance(item, dict):
        return None
    return strip(as_text(item))


def as_text(item: PhpValue) -> str:
    """Return *item* as PHP prints it."""
    if isinstance(item, str):
        return item
    if item is None or item is False:
        return ""
    return "1" if item is True else str(item)


def _pair(call: Call, row: Row) -> PhpArray:
    other = row["pair_id"]
    if other is None:
        return {}
    found = call.tables["users"].rows.get(int(other))
    return {
        "active_cons": printed(call, active_connections(call, other)),
        "max_connections": False if found is None else printed(call, found["max_connections"]),
    }


def _outputs(call: Call, row: Row) -> PhpArray:
    """Return the line's output formats, as they were some time ago where the panel caches them."""
    line, now = row["id"], call.clock.now()
    if not call.switches.output_cache_seconds or not isinstance(line, int):
        return _outputs_now(call, row)
    since, cached = call.output_cache.get(line, (-math.inf, {}))
    if now - since < call.switches.output_cache_seconds:
        return cached
    found = _outputs_now(call, row)
    call.output_cache[line] = (now, found)
    return found


def _outputs_now(call: Call, row: Row) -> PhpArray:
    made: PhpArray = {}
    line = row["id"]
    rows = call.tables["user_output"].find(line) if isinstance(line, int) else []
    for output in rows:
        known = ACCESS_OUTPUT.get(int(output["access_output_id"] or 0))
        if known is None:
            continue
        name, key, ext = known
        made[key] = {
            "access_output_id": printed(call, output["access_output_id"]),
            "output_name": name,
            "output_key": key,
            "output_ext": ext,
            "id": printed(call, output["id"]),
            "user_id": printed(call, output["user_id"]),
        }
    return made


def _members(call: Call, bouquet: PhpValue, column: str) -> PhpArray:
    """Return the ids of all bouquets of a line, each once; gaps stay under the old sorting."""
    if not isinstance(bouquet, dict):
        return {}
    merged: list[PhpValue] = []
    for item in bouquet.values():
        row = call.tables["bouquets"].rows.get(_bouquet_id(item))
        merged += (read_array(row[column]) or {}).values() if row else ()
    seen: set[str] = set()
    unique: PhpArray = {}
    for place, member in enumerate(merged):
        if as_text(member) not in seen:
            seen.add(as_text(member))
            unique[place] = member
    return _listed(unique.values()) if call.switches.new_sorting_bouquet else unique


def _bouquet_id(item: PhpValue) -> int:
    if isinstance(item, str):
        key: PhpKey = array_key(item)
        return key if isinstance(key, int) else 0
    return 0 if isinstance(item, dict) or item is None else int(item)


def _listed(values: Iterable[PhpValue]) -> PhpArray:
    return dict(enumerate(values))


def _sorting(item: PhpValue) -> tuple[float, str]:
    text = as_text(item) if not isinstance(item, dict) else ""
    try:
        return float(text), text
    except ValueError:
        return 0.0, text
