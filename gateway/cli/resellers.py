"""`reseller add`, `reseller list`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.environment import call
from gateway.cli.listing import every
from gateway.cli.output import AsJson, print_one, print_rows_or_json
from gateway.domain.ids import IdKind
from gateway.domain.resellers import NewReseller, Policy, Reseller
from gateway.services import resellers

app = typer.Typer(help="Resellers.", no_args_is_help=True)
COLUMNS = ("id", "name", "state")


@app.command("add")
def add(
    name: Annotated[str, typer.Option(help="A name for people.")],
    as_json: AsJson = False,
) -> None:
    """Add a reseller; give it panels and a policy with PATCH /v1/resellers/{id}."""
    new = NewReseller(name=name, policy=Policy())
    made = call(lambda context: resellers.create_reseller(context, new)).made()
    print_one(_row(made), COLUMNS, as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List resellers, newest first."""
    rows = call(
        lambda context: every(IdKind.RESELLER, lambda page: resellers.list_resellers(context, page))
    )
    print_rows_or_json([_row(reseller) for reseller in rows], COLUMNS, as_json=as_json)


def _row(reseller: Reseller) -> dict[str, Any]:
    return {"id": reseller.id, "name": reseller.name, "state": reseller.state.value}
