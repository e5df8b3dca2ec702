"""`client create`, `client list`, `client rotate`, `client revoke`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.environment import call
from gateway.cli.keys import permissions_of
from gateway.cli.listing import every
from gateway.cli.output import (
    AsJson,
    CommandError,
    must_be,
    print_one,
    print_rows_or_json,
)
from gateway.domain.clients import Client, IssuedClient, NewClient
from gateway.domain.ids import ClientId, IdKind, ResellerId
from gateway.domain.jwks import BYTES_MAX
from gateway.services import clients

app = typer.Typer(help="OAuth clients.", no_args_is_help=True)
ISSUED = ("client_id", "name", "reseller_id", "client_secret")
LISTED = ("client_id", "name", "reseller_id", "permissions", "last_used_at", "revoked_at")


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What the client is for.")],
    reseller_id: Annotated[
        str | None, typer.Option("--reseller", help="For whom it speaks; without it the operator.")
    ] = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="noun:verb; may be repeated; without it all.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Whose pages may use its storefront tokens; may be repeated."),
    ] = None,
    jwks: Annotated[
        Path | None, typer.Option(help="File with its public keys, a JWK Set; it has no secret.")
    ] = None,
    needs_dpop: Annotated[
        bool, typer.Option("--needs-dpop", help="Bind its tokens to a key (RFC 9449).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an OAuth client; its secret is printed this once."""
    if reseller_id is not None:
        must_be(IdKind.RESELLER, reseller_id)
    new = NewClient(
        name=name,
        reseller_id=None if reseller_id is None else ResellerId(reseller_id),
        permissions=permissions_of(permission),
        origins=tuple(origin or ()),
        jwks=None if jwks is None else _read(jwks),
        needs_dpop=needs_dpop,
    )
    issued = call(lambda context: clients.create_client(context, new)).made()
    print_one(_issued_row(issued), ISSUED, as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List OAuth clients without their secrets, newest first."""
    rows = call(
        lambda context: every(IdKind.CLIENT, lambda page: clients.list_clients(context, page, None))
    )
    print_rows_or_json([_row(client) for client in rows], LISTED, as_json=as_json)


@app.command("rotate")
def rotate(
    client_id: str,
    overlap_seconds: Annotated[
        int, typer.Option(help="How long the former secret stays good; 0: it ends at once.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Give an OAuth client a new secret, which is printed this once."""
    must_be(IdKind.CLIENT, client_id)
    rotated = call(
        lambda context: clients.rotate_client_secret(
            context, ClientId(client_id), overlap_seconds=overlap_seconds
        )
    )
    print_one(_issued_row(rotated.made()), ISSUED, as_json=as_json)


@app.command("revoke")
def revoke(client_id: str, as_json: AsJson = False) -> None:
    """End an OAuth client for good."""
    must_be(IdKind.CLIENT, client_id)
    revoked = call(lambda context: clients.revoke_client(context, ClientId(client_id))).made()
    print_one(_row(revoked), ("client_id", "name", "revoked_at"), as_json=as_json)


def _read(file: Path) -> dict[str, Any]:
    """Return the JWK Set in *file*; whether it can be one, the service tells.

    Raises:
        CommandError: it cannot be read, is too large, or is no JSON object.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
        found = json.loads(data) if len(data) <= BYTES_MAX else None
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise CommandError(f"{file} is not JSON.") from None
    if not isinstance(found, dict):
        raise CommandError(f"{file} is no JSON object of at most {BYTES_MAX} bytes.")
    return found


def _issued_row(issued: IssuedClient) -> dict[str, Any]:
    secret = None if issued.secret is None else issued.secret.reveal()
    return _row(issued.client) | {"client_secret": secret}


def _row(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "reseller_id": client.reseller_id,
        "permissions": sorted(client.permissions),
        "origins": list(client.origins),
        "jwks": client.jwks,
        "needs_dpop": client.needs_dpop,
        "last_used_at": client.last_used_at.isoformat() if client.last_used_at else None,
        "revoked_at": client.revoked_at.isoformat() if client.revoked_at else None,
    }
