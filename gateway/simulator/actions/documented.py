"""Profile `documented`: the panel's documentation page taken at its word.

- A username alone is unique. An empty username or password is generated.
- An empty field takes its column's default; an expiry emptied on edit means unlimited.
- A field that is no column, a name or value with characters outside printable ASCII, and lists
  that are no JSON are PARAMETER ERROR, tested before anything is looked up.
- Info of something unknown is a bare false; editing a device without a MAC names the MAC.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.simulator.actions import answers, devices, lines
from gateway.simulator.call import Call
from gateway.simulator.coercion import SqlFailed
from gateway.simulator.fields import cell_text, user_data
from gateway.simulator.lineinfo import find_line, line_info
from gateway.simulator.php import PhpArray, PhpValue, is_empty, upper
from gateway.simulator.phpjson import read_array
from gateway.simulator.schema import ACCESS_OUTPUT
from gateway.simulator.tables import Row

LISTS: Final = ("bouquet", "allowed_ips", "allowed_ua")
_STRICT_COLUMNS: Final[Row] = {
    "aspect": "",
    "stb_type": "",
    "watchdog_timeout": 0,
    "fav_channels": "",
    "tv_archive_continued": "",
}
_PRINTABLE = re.compile(r"[\x20-\x7e]*\Z")


def checked(call: Call, own: tuple[str, ...] = ()) -> PhpArray | None:
    """Return `user_data` if every field is right, else None; *own* are no columns but known."""
    data = user_data(call)
    if not isinstance(data, dict):
        return None
    columns = call.tables["users"].columns
    for key, value in data.items():
        text = cell_text(value)
        if not isinstance(text, str) or not _PRINTABLE.match(text):
            return None
        if key not in columns and key not in own:
            return None
        if key in LISTS and text and read_array(text) is None:
            return None
    return data


def new_columns(call: Call, data: PhpArray) -> PhpArray:
    """Return the columns of a new line: what was left empty is left out."""
    kept = {key: value for key, value in data.items() if value not in ("", {})}
    if kept.get("exp_date") == "0":
        del kept["exp_date"]  # The page's readers were told so: unlimited.
    for name in LISTS:
        kept.setdefault(name, "[]")
    return kept | {"created_at": call.now(), "created_by": 0}


async def _insert(call: Call, data: PhpArray) -> int:
    for name in ("admin_notes", "reseller_notes", "forced_country", "play_token"):
        data.setdefault(name, "")
    return await lines.insert_line(call, data, tuple(ACCESS_OUTPUT))


async def create_line(call: Call) -> PhpValue:
    """Make a line."""
    data = checked(call)
    if data is None:
        return answers.PARAMETER_ERROR
    made = new_columns(call, data)
    for name in ("username", "password"):
        if name not in made:
            made[name] = call.generated()
    username, password = str(made["username"]), str(made["password"])
    await call.step("check")
    if lines.is_taken(call, username, password):
        return answers.EXISTS
    try:
        line = await _insert(call, made)
    except SqlFailed:
        return answers.PARAMETER_ERROR
    await call.log(username, password, lines.NEW_LINE)
    created_id: int | str = str(line) if call.switches.created_id_type == "string" else line
    return {"result": True, "created_id": created_id, "username": username, "password": password}


def edit_columns(call: Call, data: PhpArray) -> PhpArray:
    """Return the changes of an edit: an emptied field takes its column's default."""
    columns = call.tables["users"].columns
    changes: PhpArray = {}
    for key, value in data.items():
        changes[key] = columns[str(key)].filled() if value == "" else value
        if key in LISTS and value == "":
            changes[key] = "[]"
    return changes


async def edit_line(call: Call) -> PhpValue:
    """Change a line."""
    pair = lines.credentials(call)
    if pair is None:
        return answers.NO_USER
    data = checked(call)
    if data is None:
        return answers.PARAMETER_ERROR
    await call.step("check")
    found = find_line(call, *pair)
    if not found:
        return answers.NOT_EXISTS
    if data:
        try:
            changes = edit_columns(call, data)
            await lines.update_lines(call, changes, [row["id"] for row in found], pair)
        except SqlFailed:
            return answers.PARAMETER_ERROR
    await call.log(*pair, lines.EDIT_LINE)
    return answers.DONE


async def line(call: Call) -> PhpValue:
    """Tell all about a line."""
    pair = lines.credentials(call)
    if pair is None:
        return answers.NO_USER
    await call.step("check")
    found = find_line(call, *pair)
    return {"result": True, "user_info": line_info(call, found[0])} if found else answers.NOT_DONE


async def create_device(call: Call) -> PhpValue:
    """Make a device and its line."""
    data = checked(call, ("mac",))
    if data is None:
        return answers.PARAMETER_ERROR
    mac = data.get("mac")
    if is_empty(mac) or not isinstance(mac, str):
        return answers.NO_MAC
    stored = devices.stored_mac(upper(mac))
    await call.step("check")
    if call.tables["mag_devices"].find(stored):
        return answers.EXISTS
    made = new_columns(call, {key: value for key, value in data.items() if key != "mac"})
    made |= {"username": call.generated(), "password": call.generated(), "is_mag": 1}
    try:
        user = await _insert(call, made)
        await call.insert(
            "write_3",
            "mag_devices",
            {"user_id": user, "mac": stored, "created": call.now(), **_STRICT_COLUMNS},
        )
    except SqlFailed:
        return answers.PARAMETER_ERROR
    await call.log(upper(mac), "-", devices.NEW_DEVICE)
    return answers.DONE


async def edit_device(call: Call) -> PhpValue:
    """Change the line behind a MAC."""
    if call.given("mac") is None:
        return answers.NO_MAC
    data = checked(call)
    if data is None:
        return answers.PARAMETER_ERROR
    stored = devices.stored_mac(upper(call.argument("mac")))
    await call.step("check")
    found: list[object] = [row["user_id"] for row in call.tables["mag_devices"].find(stored)]
    if not found or not data:
        return answers.NOT_DONE
    try:
        changed = await lines.update_lines(call, edit_columns(call, data), found, (stored,))
    except SqlFailed:
        return answers.PARAMETER_ERROR
    if not changed:
        return answers.NOT_DONE
    await call.log(call.argument("mac"), "-", devices.EDIT_DEVICE)
    return answers.DONE


async def device(call: Call) -> PhpValue:
    """Tell all about a device."""
    if call.given("mac") is None:
        return answers.NO_MAC
    stored = devices.stored_mac(upper(call.argument("mac")))
    await call.step("check")
    found = call.tables["mag_devices"].find(stored)
    return {"result": True, **devices.device_info(call, found[0])} if found else answers.NOT_DONE
