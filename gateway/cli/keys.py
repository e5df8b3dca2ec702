"""`key issue`, `key list`, `key revoke`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.environment import call
from gateway.cli.listing import every
from gateway.cli.output import (
    AsJson,
    CommandError,
    must_be,
    print_one,
    print_rows_or_json,
)
from gateway.domain.caller import Permission
from gateway.domain.ids import IdKind, KeyId, ResellerId
from gateway.domain.keys import Key, NewKey
from gateway.domain.limits import Rate
from gateway.services import keys

app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.command("issue")
def issue(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    reseller_id: Annotated[
        str | None, typer.Option("--reseller", help="Whose key; without it an operator's.")
    ] = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="noun:verb; may be repeated; without it all.")
    ] = None,
    rate_limit: Annotated[
        str | None,
        typer.Option(help="Requests/seconds, such as 600/60; without it the default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key; its secret is printed this once."""
    if reseller_id is not None:
        must_be(IdKind.RESELLER, reseller_id)
    new = NewKey(
        name=name,
        reseller_id=None if reseller_id is None else ResellerId(reseller_id),
        permissions=permissions_of(permission),
        rate_limit=_rate(rate_limit),
    )
    issued = call(lambda context: keys.issue_key(context, new)).made()
    row = _row(issued.key) | {"key": issued.secret.reveal()}
    print_one(row, ("id", "name", "reseller_id", "key"), as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List keys without their secrets, newest first."""
    rows = call(lambda context: every(IdKind.KEY, lambda page: keys.list_keys(context, page, None)))
    columns = ("id", "name", "reseller_id", "prefix", "revoked_at")
    print_rows_or_json([_row(key) for key in rows], columns, as_json=as_json)


@app.command("revoke")
def revoke(key_id: str, as_json: AsJson = False) -> None:
    """End a key for good."""
    must_be(IdKind.KEY, key_id)
    revoked = call(lambda context: keys.revoke_key(context, KeyId(key_id))).made()
    print_one(_row(revoked), ("id", "name", "revoked_at"), as_json=as_json)


def permissions_of(texts: list[str] | None) -> frozenset[Permission] | None:
    """Return the permissions that were named; None where none was: all.

    Raises:
        CommandError: there is no such permission.
    """
    if not texts:
        return None
    try:
        return frozenset(Permission(text) for text in texts)
    except ValueError as error:
        raise CommandError(f"{error}; the permissions are: {', '.join(Permission)}") from None


def _rate(text: str | None) -> Rate | None:
    try:
        return None if text is None else Rate.parse(text)
    except ValueError as error:
        raise CommandError(f"--rate-limit {error}.") from None


def _row(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "reseller_id": key.reseller_id,
        "prefix": key.prefix,
        "permissions": sorted(key.permissions),
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "rate_limit": None if key.rate_limit is None else str(key.rate_limit),
    }
