"""What a fault does to the statements of one request while the script believes that all is well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from gateway.simulator.coercion import Cell
from gateway.simulator.faults import Rule
from gateway.simulator.php import to_int
from gateway.simulator.tables import Row, Table

WRITES: Final = ("write_1", "write_2", "write_3")
SET_BY_SCRIPT: Final = ("id", "created_at", "created_by", "is_mag")
DEFAULT_CUT: Final = 8
DEFAULT_CLAMP: Final = 127


@dataclass(frozen=True, slots=True)
class WrongValues:
    """Which values are stored wrongly, and how."""

    columns: tuple[str, ...] = ()
    """Empty: all that the caller may send."""
    replaced: dict[str, Cell] = field(default_factory=dict)
    cut: int | None = None
    clamp: int | None = None

    def applied(self, table: Table, row: Row) -> Row:
        """Return *row* as it is stored instead."""
        wrong = {name: self._value(table, name, value) for name, value in row.items()}
        return wrong | {name: cell for name, cell in self.replaced.items() if name in table.columns}

    def _value(self, table: Table, name: str, value: Cell) -> Cell:
        if value is None or (name not in self.columns if self.columns else name in SET_BY_SCRIPT):
            return value
        if table.columns[name].kind == "text":
            return value if self.cut is None else str(value)[: self.cut]
        if self.clamp is None:
            return value
        return max(-self.clamp, min(self.clamp, to_int(value)))


@dataclass(frozen=True, slots=True)
class Tampering:
    """The difference between what the script writes and what stays."""

    lost: tuple[str, ...] = ()
    """Steps whose statements work, but leave nothing."""
    credits: int = 1
    """How often an amount of credits is applied."""
    wrong: WrongValues | None = None
    sql_mode: str | None = None
    """The mode the database runs in for this request only."""


UNTOUCHED: Final = Tampering()


def tampering(rule: Rule | None) -> Tampering:
    """Return what *rule* does to a request's statements."""
    match rule and rule.form.fault:
        case "lost_write":
            return Tampering(lost=(*WRITES, "log"))
        case "half_mag":
            return Tampering(lost=_missing(rule))
        case "lost_credit":
            times = 0 if rule is None else int(rule.number("applied", "times_applied"))
            return Tampering(credits=times, lost=() if times else ("write_1",))
        case "wrong_write":
            return _wrong_write(rule)
        case _:
            return UNTOUCHED


def _missing(rule: Rule | None) -> tuple[str, ...]:
    missing = "device" if rule is None else rule.text("missing", default="device")
    return ("write_2", "write_3") if missing == "outputs" else ("write_3",)


def _wrong_write(rule: Rule | None) -> Tampering:
    params: dict[str, Any] = {} if rule is None else rule.form.params
    if "sql_mode" in params:
        return Tampering(sql_mode=str(params["sql_mode"]))
    replaced = params.get("set")
    columns = params.get("columns", params.get("column", ()))
    cut, clamp = params.get("cut"), params.get("clamp")
    if replaced is None and cut is None and clamp is None:
        cut, clamp = DEFAULT_CUT, DEFAULT_CLAMP
    wrong = WrongValues(
        columns=(columns,) if isinstance(columns, str) else tuple(columns),
        replaced=dict(replaced or {}),
        cut=None if cut is None else int(cut),
        clamp=None if clamp is None else int(clamp),
    )
    return Tampering(wrong=wrong)
