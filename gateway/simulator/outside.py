"""What happens to the tables from outside, at the moment of a request: other operators, backups.

Such changes are noted apart from the request's own effects.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.simulator.actions.devices import stored_mac
from gateway.simulator.coercion import SqlFailed
from gateway.simulator.faults import Rule
from gateway.simulator.ledger import Record
from gateway.simulator.php import PhpArray, upper
from gateway.simulator.schema import ACCESS_OUTPUT
from gateway.simulator.tables import Effect, Row, Tables
from gateway.simulator.world import World

NOTE: Final[Row] = {"admin_notes": "edited by another operator"}
OUTSIDER: Final = -1
"""Who writes, for changes that are no request's."""


def before(world: World, record: Record, rule: Rule, params: PhpArray) -> None:
    """Do what the rule lets happen just before the call."""
    if rule.form.fault == "rollback":
        record.outside += world.roll_back(rule.seconds(60))
    elif rule.form.fault == "edit_by_other" and rule.text("when", default="after") == "before":
        _edit(world, record, rule, params)
    elif rule.form.fault == "ip_ban":
        _ban(world, record, rule)


def after(world: World, record: Record, rule: Rule, params: PhpArray) -> None:
    """Do what the rule lets happen just after the call."""
    if rule.form.fault == "edit_by_other" and rule.text("when", default="after") != "before":
        _edit(world, record, rule, params)
    elif rule.form.fault == "dup_row":
        world.tables.writer = OUTSIDER
        record.outside += _second_rows(world.tables, record, params)
    elif rule.form.fault == "restart":
        seconds = rule.seconds()
        for restart in world.restarts:
            restart(seconds)
    world.commit(record)


def _ban(world: World, record: Record, rule: Rule) -> None:
    seconds = rule.seconds(-1)
    record.brought_ban = True
    world.ban(
        record.caller,
        style="silent" if rule.text("style", "mode") == "silent" else "drop",
        seconds=None if seconds < 0 else seconds,
    )


def _edit(world: World, record: Record, rule: Rule, params: PhpArray) -> None:
    """Change or delete rows, by default the line that the request is about."""
    name = rule.text("table", default="users")
    if name not in world.tables:
        return
    table = world.tables[name]
    world.tables.writer = OUTSIDER
    where = rule.table("where")
    keys = (
        [int(row[table.key] or 0) for row in table if _fits(row, where)]
        if where
        else [key for found, key in _rows_of(world.tables, params) if found == name]
    )
    if rule.form.params.get("delete"):
        for key in keys:
            record.outside += table.delete(key)
        return
    changes: dict[str, Any] = rule.table("set") or dict(NOTE)
    known: Row = {key: value for key, value in changes.items() if key in table.columns}
    try:
        record.outside += table.update(keys, known, strict=False)
    except SqlFailed:
        return


def _fits(row: Row, where: dict[str, Any]) -> bool:
    return all(str(row.get(name)) == str(value) for name, value in where.items())


def _second_rows(tables: Tables, record: Record, params: PhpArray) -> list[Effect]:
    """Add a copy of the rows just made, or else of those that the request is about."""
    made = [
        (effect.table, effect.id)
        for effect in record.effects
        if effect.column in ("id", "mag_id") and effect.before is None
    ]
    wanted = [one for one in made if one[0] in ("users", "mag_devices")]
    found = wanted or _rows_of(tables, params)
    effects: list[Effect] = []
    lines = {key: _second_line(tables, key, effects) for name, key in found if name == "users"}
    for name, key in found:
        device = tables[name].rows.get(key) if name == "mag_devices" else None
        if device is not None:
            old = int(device["user_id"] or 0)
            copied = {**device, "mag_id": None, "user_id": lines.get(old, old)}
            effects += _insert(tables, name, copied)
    return effects


def _second_line(tables: Tables, key: int, effects: list[Effect]) -> int:
    row = tables["users"].rows.get(key)
    if row is None:
        return key
    added = _insert(tables, "users", dict(row) | {"id": None})
    effects += added
    line = added[0].id
    for output in ACCESS_OUTPUT:
        effects += _insert(tables, "user_output", {"user_id": line, "access_output_id": output})
    return line


def _insert(tables: Tables, name: str, row: Row) -> list[Effect]:
    target = tables[name]
    return target.insert({k: v for k, v in row.items() if k != target.key}, strict=False)[1]


def _rows_of(tables: Tables, params: PhpArray) -> list[tuple[str, int]]:
    """Return the rows of the line or device that a request names."""
    inner = params.get("user_data")
    data = inner if isinstance(inner, dict) else {}
    mac = params.get("mac") or data.get("mac")
    username = params.get("username") or data.get("username")
    found: list[tuple[str, int]] = []
    if isinstance(mac, str) and mac:
        for device in tables["mag_devices"].find(stored_mac(upper(mac))):
            found += [
                ("mag_devices", int(device["mag_id"] or 0)),
                ("users", int(device["user_id"] or 0)),
            ]
    elif isinstance(username, str) and username:
        rows = tables["users"].find(username)
        found = [("users", int(row["id"] or 0)) for row in rows]
    return found
