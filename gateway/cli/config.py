"""`config check`: every setting, its value, and where it came from."""

from __future__ import annotations

import typer

from gateway.cli.output import AsJson, CommandError, print_json, print_rows
from gateway.settings import SettingsError, load, shown

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the configuration."""


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """Print every setting with its origin, secrets hidden; fail if the gateway would not start."""
    from gateway.bootstrap import check as check_settings
    from gateway.exposure import check_exposure, warnings_of

    try:
        settings, source = load()
    except SettingsError as error:
        raise CommandError(str(error)) from None
    columns = ("variable", "value", "origin", "description")
    rows = [dict(zip(columns, row, strict=True)) for row in shown(settings, source)]
    if as_json:
        print_json({"settings": rows, "unknown": source.unknown, "warnings": warnings_of(settings)})
    else:
        print_rows(("variable", "value", "origin"), rows)
        for name in source.unknown:
            typer.secho(f"unknown: {name}", fg="yellow", err=True)
        for sentence in warnings_of(settings):
            typer.secho(f"warning: {sentence}", fg="yellow", err=True)
    try:
        check_settings(settings)
        check_exposure(settings)
    except SettingsError as error:
        raise CommandError(str(error)) from None
