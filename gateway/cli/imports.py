"""`import FILE --panel ID`: adopt what is on a panel already, row by row of a CSV file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from gateway.cli.environment import call
from gateway.cli.output import AsJson, CommandError, must_be, print_json, print_rows
from gateway.domain.devices import DeviceImport, normal_mac
from gateway.domain.errors import GatewayError
from gateway.domain.ids import IdKind, PanelId, ResellerId, is_id
from gateway.domain.lines import LineImport
from gateway.domain.secrets import Secret
from gateway.services import devices, lines
from gateway.services.context import Context

COLUMNS: Final = ("username", "password", "mac", "reseller_id", "external_id")
#: One of these is the outcome of each row.
ADOPTED, KNOWN, FAILED = "adopted", "already ours", "failed"
_KNOWN_CODES: Final = frozenset({"username_taken", "mac_taken"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file, by its number, and what it asks for."""

    number: int
    wanted: LineImport | DeviceImport


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a row; no secrets."""

    row: int
    name: str
    outcome: str
    detail: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV with the header " + ",".join(COLUMNS) + ".")],
    panel: Annotated[str, typer.Option(help="The panel that they are on.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the panel and check, but adopt nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Adopt lines and devices that are on a panel already; safe to repeat. 1 if a row failed."""
    must_be(IdKind.PANEL, panel)
    rows = read_rows(file, PanelId(panel))

    async def work(context: Context) -> list[Outcome]:
        console = Console(stderr=True)
        silent = as_json or not console.is_terminal
        with Progress(console=console, disable=silent) as bar:
            return [
                await _adopt(replace(context, dry_run=dry_run), row)
                for row in bar.track(rows, description="Importing")
            ]

    found = call(work)
    counts = Counter(outcome.outcome for outcome in found)
    wrong = [outcome for outcome in found if outcome.outcome == FAILED]
    if as_json:
        failed = [{"row": it.row, "name": it.name, "detail": it.detail} for it in wrong]
        print_json({"dry_run": dry_run, "counts": dict(counts), "failed": failed})
    else:
        print_rows(("outcome", "rows"), [{"outcome": k, "rows": n} for k, n in counts.items()])
        for it in wrong:
            typer.secho(f"row {it.row} ({it.name}): {it.detail}", fg="red", err=True)
    if wrong:
        raise typer.Exit(1)


def read_rows(file: Path, panel_id: PanelId) -> list[Row]:
    """Return the rows of *file*.

    Raises:
        CommandError: it cannot be read, or rows are wrong; every fault at once, with its number.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CommandError(f"{file}: the header must be {','.join(COLUMNS)}")
            parsed = list(_parse(reader, panel_id))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{file}: {error}") from None
    faults = [item for item in parsed if isinstance(item, str)]
    if faults:
        raise CommandError(f"{file}:\n" + "\n".join(faults))
    return [item for item in parsed if isinstance(item, Row)]


def _parse(reader: csv.DictReader[str], panel_id: PanelId) -> Iterator[Row | str]:
    for record in reader:
        number = reader.line_num
        if None in record or None in record.values():
            yield f"  row {number}: not {len(COLUMNS)} columns"
            continue
        values = {name: (record[name] or "").strip() for name in COLUMNS}
        try:
            yield Row(number, _wanted(values, panel_id))
        except ValueError as error:
            yield f"  row {number}: {error}"


def _wanted(values: dict[str, str], panel_id: PanelId) -> LineImport | DeviceImport:
    reseller_id, external_id = values["reseller_id"] or None, values["external_id"] or None
    if reseller_id is not None and not is_id(IdKind.RESELLER, reseller_id):
        raise ValueError("reseller_id is not an id such as rsl_…")
    owner = None if reseller_id is None else ResellerId(reseller_id)
    if values["mac"] and not values["username"]:
        mac = normal_mac(values["mac"])
        return DeviceImport(panel_id=panel_id, reseller_id=owner, mac=mac, external_id=external_id)
    if values["mac"] or not values["username"] or not values["password"]:
        raise ValueError("give username and password, or mac")
    return LineImport(
        panel_id=panel_id,
        reseller_id=owner,
        username=values["username"],
        password=Secret(values["password"]),
        external_id=external_id,
    )


async def _adopt(context: Context, row: Row) -> Outcome:
    wanted = row.wanted
    name = wanted.username if isinstance(wanted, LineImport) else wanted.mac
    try:
        if isinstance(wanted, LineImport):
            await lines.import_line(context, wanted)
        else:
            await devices.import_device(context, wanted)
    except GatewayError as error:
        known = error.code in _KNOWN_CODES
        detail = f"{error.detail} ({error.code})"
        return Outcome(row.number, name, KNOWN if known else FAILED, detail)
    return Outcome(row.number, name, ADOPTED)
