"""`action=user`: lines.

- create tests the pair of username and password, then inserts; a missing key is generated, an
  empty value is stored empty. Answers show the values as cleaned, not as the database kept them.
- edit changes every row with the pair and answers true even if nothing changed.
- info finds by the database's comparison; then one of the two must match byte for byte.
"""

from __future__ import annotations

from typing import Final

from gateway.simulator.actions import answers
from gateway.simulator.call import Call, ScriptDied
from gateway.simulator.coercion import SqlFailed
from gateway.simulator.fields import insert_row, prepare_new_line, update_row, user_data
from gateway.simulator.lineinfo import find_line, line_info
from gateway.simulator.php import PhpArray, PhpValue, is_empty
from gateway.simulator.phpjson import read_array
from gateway.simulator.schema import ACCESS_OUTPUT

NEW_LINE: Final = "[API->New Line]"
EDIT_LINE: Final = "[API->Edit Line]"


async def create(call: Call) -> PhpValue:
    """Make a line, its outputs and a log row."""
    given = user_data(call)
    if not isinstance(given, dict):
        raise ScriptDied("A text cannot take the columns that the script adds.")
    data = dict(given)
    for name in ("username", "password"):
        if name not in data:
            data[name] = call.generated()
    if read_array(data.get("allowed_ua")) is None:
        data["allowed_ua"] = "[]"
    outputs = chosen_outputs(data.pop("output_formats", None))
    prepare_new_line(call, data)
    username, password = _argument(data["username"]), _argument(data["password"])
    await call.step("check")
    if is_taken(call, username, password):
        return answers.EXISTS
    try:
        line = await insert_line(call, data, outputs)
    except SqlFailed:
        return answers.PARAMETER_ERROR
    await call.log(username, password, NEW_LINE)
    created_id: int | str = str(line) if call.switches.created_id_type == "string" else line
    return {
        "result": True,
        "created_id": created_id,
        "username": data["username"],
        "password": data["password"],
    }


def is_taken(call: Call, username: str, password: str) -> bool:
    """Tell whether create answers EXISTS."""
    if call.switches.exists_rule == "username":
        return bool(call.tables["users"].find(username))
    return bool(find_line(call, username, password))


def chosen_outputs(value: PhpValue) -> tuple[int, ...]:
    """Return the output ids of a new line: all, but none if a JSON text was sent."""
    if is_empty(value) or read_array(value) is None:
        return tuple(ACCESS_OUTPUT)
    return ()


async def insert_line(call: Call, data: PhpArray, outputs: tuple[int, ...]) -> int:
    """Write 1 and write 2: the line, then its outputs; return the line's id."""
    try:
        row = insert_row(call.tables["users"], data)
    except SqlFailed as failure:
        raise call.failed(failure, data.values()) from None
    line = await call.insert("write_1", "users", row)
    for output in outputs:
        await call.insert("write_2", "user_output", {"user_id": line, "access_output_id": output})
    return line


def _argument(value: PhpValue) -> str:
    return value if isinstance(value, str) else ""


def credentials(call: Call) -> tuple[str, str] | None:
    """Return username and password as a statement gets them, or None if one is missing."""
    if call.given("username") is None or call.given("password") is None:
        return None
    return call.argument("username"), call.argument("password")


async def edit(call: Call) -> PhpValue:
    """Change every line with the pair."""
    pair = credentials(call)
    if pair is None:
        return answers.NO_USER
    data = user_data(call)
    await call.step("check")
    lines = find_line(call, *pair)
    if not lines:
        return answers.NOT_EXISTS
    try:
        await update_lines(call, data, [row["id"] for row in lines], pair)
    except SqlFailed:
        return answers.PARAMETER_ERROR
    await call.log(*pair, EDIT_LINE)
    return answers.DONE


async def update_lines(
    call: Call, data: PhpValue, ids: list[object], arguments: tuple[str, ...]
) -> int:
    """Write 1 of an edit; return how many cells changed."""
    try:
        row = update_row(call, call.tables["users"], data, arguments)
    except SqlFailed as failure:
        texts = data.values() if isinstance(data, dict) else ()
        raise call.failed(failure, texts) from None
    keys = [key for key in ids if isinstance(key, int)]
    return await call.update("write_1", "users", keys, row)


async def info(call: Call) -> PhpValue:
    """Tell all about a line."""
    pair = credentials(call)
    if pair is None:
        return answers.NO_USER
    await call.step("check")
    lines = find_line(call, *pair)
    if not lines or not _is_exact(call, lines[0]["username"], lines[0]["password"]):
        return answers.NOT_EXISTS
    return {"result": True, "user_info": line_info(call, lines[0])}


def _is_exact(call: Call, username: object, password: object) -> bool:
    same = (
        call.params.get("username") == username,
        call.params.get("password") == password,
    )
    rule = call.switches.case_rule
    return rule == "none" or (any(same) if rule == "either" else all(same))
