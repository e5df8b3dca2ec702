"""How commands print: tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from gateway.domain.ids import IdKind, is_id

PIPE_WIDTH: Final = 1_000

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


class CommandError(Exception):
    """A command could not do its work; the text says why and what to do."""


def print_json(value: object) -> None:
    """Write one JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_rows(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table; a missing or null value is a dash."""
    names = list(columns)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(name)) for name in names))
    # A pipe has no width; long values must not be folded there.
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def print_one(row: Mapping[str, Any], columns: Iterable[str], *, as_json: bool) -> None:
    """Write one thing: all of it as JSON, or *columns* of it as a table."""
    if as_json:
        print_json(row)
    else:
        print_rows(columns, [row])


def print_rows_or_json(
    rows: list[dict[str, Any]], columns: Iterable[str], *, as_json: bool
) -> None:
    """Write a list: all of it as JSON, or *columns* of it as a table."""
    if as_json:
        print_json({"data": rows})
    else:
        print_rows(columns, rows)


def must_be(kind: IdKind, text: str) -> None:
    """Refuse an argument that is no id of *kind*.

    Raises:
        CommandError
    """
    if not is_id(kind, text):
        raise CommandError(f"{text} is not an id such as {kind}_….")


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return str(value)
