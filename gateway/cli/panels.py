"""`panel add`, `panel list`, `panel probe`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from gateway.cli.environment import call
from gateway.cli.listing import every
from gateway.cli.output import AsJson, must_be, print_one, print_rows_or_json
from gateway.domain.ids import IdKind, PanelId
from gateway.domain.panels import NewPanel, Panel
from gateway.domain.secrets import Secret
from gateway.services import panels

app = typer.Typer(help="Panels.", no_args_is_help=True)
COLUMNS = ("id", "name", "dialect", "base_url")


@app.command("add")
def add(
    name: Annotated[str, typer.Option(help="A name for people.")],
    base_url: Annotated[str, typer.Option(help="http://host:port, without /api.php.")],
    dialect: Annotated[str, typer.Option(help="How it speaks.")] = "xtream_v2",
    api_pass: Annotated[
        str | None,
        typer.Option(help="Its API password, if it has one.", envvar="PANEL_API_PASS"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a panel."""
    new = NewPanel(
        name=name,
        dialect=dialect,
        base_url=base_url,
        api_pass=Secret(api_pass) if api_pass else None,
    )
    made = call(lambda context: panels.create_panel(context, new)).made()
    print_one(_row(made), COLUMNS, as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List panels, newest first."""
    rows = call(lambda context: every(IdKind.PANEL, lambda page: panels.list_panels(context, page)))
    print_rows_or_json([_row(panel) for panel in rows], COLUMNS, as_json=as_json)


@app.command("probe")
def probe(panel_id: str, as_json: AsJson = False) -> None:
    """Ask a panel, by reads only, what it is and whether it lets us in; 1 if it does not answer."""
    must_be(IdKind.PANEL, panel_id)
    found = call(lambda context: panels.probe_panel(context, PanelId(panel_id)))
    row = asdict(found) | {"checked_at": found.checked_at.isoformat()}
    columns = ("reachable", "dialect", "firewall", "credits", "checked_at")
    print_one(row, columns, as_json=as_json)
    if not as_json:
        for warning in found.warnings:
            typer.secho(f"{warning.code}: {warning.detail}", fg="yellow", err=True)
    if not found.reachable:
        raise typer.Exit(1)


def _row(panel: Panel) -> dict[str, Any]:
    return {name: getattr(panel, name) for name in COLUMNS}
