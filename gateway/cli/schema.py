"""`schema write` and `schema check`: the published contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import CommandError

app = typer.Typer(help="The published contracts in schema/.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="Where they are.")]


@app.command("write")
def write(folder: Folder = Path("schema")) -> None:
    """Write the contracts that this code keeps."""
    from gateway.api.contracts import write_schemas

    for path in write_schemas(folder):
        typer.echo(f"wrote {path}")


@app.command("check")
def check(folder: Folder = Path("schema")) -> None:
    """Fail with the difference if a published contract is not what this code keeps."""
    from gateway.api.contracts import check_schemas

    difference = check_schemas(folder)
    if difference:
        typer.echo(difference)
        raise CommandError("schema/ is not in step; run: make schema")
