"""From `user_data` to columns: the rules that lines and devices share.

Every key becomes a column name after all but letters, digits and `_` is removed; no column is
protected. An array becomes its JSON text.
"""

from __future__ import annotations

import re

from gateway.simulator.call import Call
from gateway.simulator.coercion import SqlFailed
from gateway.simulator.php import PhpArray, PhpValue, is_empty, to_int
from gateway.simulator.phpjson import CannotPrint, print_json, read_array
from gateway.simulator.sqltext import formatted
from gateway.simulator.tables import Row, Table

SYNTAX_ERROR = "syntax error"


def user_data(call: Call) -> PhpValue:
    """Return the form's `user_data`; an empty array when it is missing or empty."""
    found = call.given("user_data")
    return {} if found is None else found


def cell_text(value: PhpValue) -> str | int | None:
    """Return *value* as the text of a statement; what has no JSON form is ""."""
    if isinstance(value, dict):
        try:
            return print_json(value)
        except CannotPrint:
            return ""
    return str(value) if isinstance(value, float) else value


def column_name(key: object) -> str:
    """Return *key* with everything removed that no column name may hold."""
    return re.sub(r"[^A-Za-z0-9_]", "", str(key))


def insert_row(table: Table, data: PhpArray) -> Row:
    """Return the row of an INSERT built from *data*."""
    row: Row = {}
    for key, value in data.items():
        name = table.column(column_name(key), "INSERT INTO")
        if name in row:
            raise SqlFailed(f"Column '{name}' specified twice")
        row[name] = cell_text(value)
    return row


def update_row(call: Call, table: Table, data: PhpValue, arguments: tuple[str, ...]) -> Row:
    """Return the changes of an UPDATE built from *data*, where the last of equal names wins."""
    if not isinstance(data, dict) or not data:
        raise SqlFailed(SYNTAX_ERROR)
    texts: dict[str, str | int | None] = {}
    for key, value in data.items():
        text = cell_text(value)
        if call.switches.percent_on_edit and isinstance(text, str):
            text = formatted(text, arguments)
        texts[column_name(key)] = text
    return {table.column(name, "SET"): text for name, text in texts.items()}


def prepare_new_line(call: Call, data: PhpArray) -> None:
    """Put the columns in order that the script sees to itself on create."""
    if read_array(data.get("allowed_ips")) is None:
        data["allowed_ips"] = "[]"
    data["created_at"] = call.now()
    data["created_by"] = 0
    expiry = data.get("exp_date")
    data["exp_date"] = None if is_empty(expiry) else to_int(expiry)
    data["bouquet"] = new_bouquet(data.get("bouquet"))


def new_bouquet(value: PhpValue) -> str:
    """Return the bouquet text of a new line: items as ints, and `[]` for anything odd."""
    found = None if is_empty(value) else read_array(value)
    return print_json({key: to_int(item) for key, item in (found or {}).items()})
