"""All commands in one tree, and how their errors end."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway import __version__
from gateway.cli import (
    clients,
    config,
    documents,
    encryption,
    imports,
    keys,
    panels,
    resellers,
    run,
    schema,
    simulate,
    webhooks,
)
from gateway.cli.output import CommandError
from gateway.domain.errors import GatewayError
from gateway.settings import SettingsError

app = typer.Typer(
    name="xtream-gateway",
    help="GraphQL and REST in front of Xtream-style panels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
run.add_to(app)
simulate.add_to(app)
imports.add_to(app)
app.add_typer(panels.app, name="panel")
app.add_typer(resellers.app, name="reseller")
app.add_typer(keys.app, name="key")
app.add_typer(clients.app, name="client")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(documents.app, name="documents")
app.add_typer(encryption.app, name="encryption")
app.add_typer(schema.app, name="schema")
app.add_typer(config.app, name="config")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """GraphQL and REST in front of Xtream-style panels."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; exit 0 only on success."""
    try:
        app()
    except (CommandError, SettingsError, GatewayError) as error:
        typer.secho(f"xtream-gateway: {error}", fg="red", err=True)
        sys.exit(1)
