"""`action=stb`: set-top boxes, each a hidden line and a device row with its MAC in base64.

create and edit make the MAC upper-case, info does not. edit answers false when nothing changed
and when the MAC is unknown alike. The device row is written last and its failure goes unnoticed.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from gateway.simulator.actions import answers
from gateway.simulator.actions.lines import insert_line, update_lines
from gateway.simulator.call import Call
from gateway.simulator.coercion import SqlFailed
from gateway.simulator.fields import prepare_new_line, user_data
from gateway.simulator.lineinfo import line_info, printed
from gateway.simulator.php import PhpArray, PhpValue, bytes_of, is_empty, text_of, upper
from gateway.simulator.schema import ACCESS_OUTPUT
from gateway.simulator.tables import Row

NEW_DEVICE: Final = "[API->New MAG Device]"
EDIT_DEVICE: Final = "[API->Edit MAG Device]"


def stored_mac(mac: str) -> str:
    """Return *mac* as the device table holds it."""
    return base64.b64encode(bytes_of(mac)).decode("ascii")


def shown_mac(stored: object) -> str:
    """Return the MAC of a device row; what was cut off its end is lost."""
    digits = re.sub(r"[^A-Za-z0-9+/]", "", str(stored))
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return text_of(base64.b64decode(digits + "=" * (-len(digits) % 4)))


async def create(call: Call) -> PhpValue:
    """Make a line, its outputs and the device."""
    given = user_data(call)
    if not isinstance(given, dict) or is_empty(given.get("mac")):
        return answers.NO_MAC
    data = dict(given)
    sent = data.pop("mac")
    mac = upper(sent) if isinstance(sent, str) else ""
    await call.step("check")
    if call.tables["mag_devices"].find(stored_mac(mac)):
        return answers.EXISTS
    data.pop("output_formats", None)
    data |= {"username": call.generated(), "password": call.generated()}
    data |= {"is_mag": 1, "allowed_ua": "[]"}
    prepare_new_line(call, data)
    try:
        line = await insert_line(call, data, tuple(ACCESS_OUTPUT))
    except SqlFailed:
        return answers.PARAMETER_ERROR
    try:
        device: Row = {"user_id": line, "mac": stored_mac(mac), "created": call.now()}
        await call.insert("write_3", "mag_devices", device)
    except SqlFailed:
        pass  # The script does not look.
    await call.log(mac, "-", NEW_DEVICE)
    return answers.DONE


async def edit(call: Call) -> PhpValue:
    """Change the line behind a MAC."""
    if call.given("mac") is None:
        return answers.NO_USER
    sent = call.argument("mac")
    stored = stored_mac(upper(sent))
    data = user_data(call)
    changes: PhpValue = data | {"is_mag": 1} if isinstance(data, dict) else data
    await call.step("check")
    devices = call.tables["mag_devices"].find(stored)
    lines: list[object] = [device["user_id"] for device in devices]
    try:
        if len(lines) > 1:
            texts = data.values() if isinstance(data, dict) else ()
            raise call.failed(SqlFailed("Subquery returns more than 1 row"), texts)
        changed = await update_lines(call, changes, lines, (stored,))
    except SqlFailed:
        return answers.PARAMETER_ERROR
    if not changed:
        return answers.NOT_DONE
    await call.log(sent, "-", EDIT_DEVICE)
    return answers.DONE


async def info(call: Call) -> PhpValue:
    """Tell all about a device and its line."""
    if call.given("mac") is None:
        return answers.NO_MAC
    await call.step("check")
    devices = call.tables["mag_devices"].find(stored_mac(call.argument("mac")))
    if not devices:
        return answers.NOT_EXISTS
    return {"result": True, **device_info(call, devices[0])}


def device_info(call: Call, device: Row) -> PhpArray:
    """Return everything that `info` says about a device."""
    shown: PhpArray = {name: printed(call, cell) for name, cell in device.items()}
    shown["mac"] = shown_mac(device["mac"])
    line = call.tables["users"].rows.get(int(device["user_id"] or 0))
    made: PhpArray = {"mag_device": shown, "user_info": {}, "pair_line_info": {}}
    if line is not None:
        made["user_info"] = line_info(call, line)
        other = call.tables["users"].rows.get(int(line["pair_id"] or 0))
        if other is not None:
            made["pair_line_info"] = line_info(call, other)
    return made
