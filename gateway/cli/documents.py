"""`documents upload`, `documents list`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from gateway.cli.environment import call
from gateway.cli.listing import every
from gateway.cli.manifests import read_manifest
from gateway.cli.output import AsJson, must_be, print_one, print_rows_or_json
from gateway.domain.documents import UPLOAD_MAX, TrustedDocument, upload_faults
from gateway.domain.errors import InvalidRequest
from gateway.domain.ids import IdKind, ResellerId
from gateway.services import documents

if TYPE_CHECKING:
    from gateway.services.context import Context

app = typer.Typer(help="Trusted GraphQL documents.", no_args_is_help=True)


@app.command("upload")
def upload(
    file: Annotated[
        Path,
        typer.Argument(
            help="Manifest in JSON: of GraphQL Code Generator or Relay with SHA-256, or Apollo's."
        ),
    ],
    reseller: Annotated[
        str | None, typer.Option(help="Whose they become; without it the operator's, for all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trust the GraphQL documents of a manifest; safe to repeat, nothing is taken away."""
    if reseller is not None:
        must_be(IdKind.RESELLER, reseller)
    batches = _batches(read_manifest(file))
    owner = None if reseller is None else ResellerId(reseller)

    async def work(context: Context) -> dict[str, int]:
        _check(batches)
        counts = {"added": 0, "present": 0}
        console = Console(stderr=True)
        silent = as_json or not console.is_terminal
        with Progress(console=console, disable=silent) as bar:
            for batch in bar.track(batches, description="Uploading"):
                outcome = await documents.upload_documents(context, batch, reseller_id=owner)
                made = outcome.made()
                counts["added"] += made.added
                counts["present"] += made.present
        return counts

    print_one(call(work), ("added", "present"), as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List trusted documents, newest first; their texts with --json."""
    rows = call(
        lambda context: every(IdKind.DOCUMENT, lambda page: documents.list_documents(context, page))
    )
    columns = ("id", "reseller_id", "bytes", "created_at")
    print_rows_or_json([_row(document) for document in rows], columns, as_json=as_json)


def _check(batches: list[dict[str, str]]) -> None:
    """Refuse a manifest with a fault as a whole, before its first batch is stored.

    Raises:
        InvalidRequest
    """
    faults = tuple(fault for batch in batches for fault in upload_faults(batch))
    if faults:
        raise InvalidRequest("The documents cannot be taken as they are.", faults=faults)


def _batches(found: dict[str, str]) -> list[dict[str, str]]:
    """Return *found* in parts that one upload takes."""
    left = iter(found.items())
    return [dict(islice(left, UPLOAD_MAX)) for _ in range(0, len(found), UPLOAD_MAX)]


def _row(document: TrustedDocument) -> dict[str, Any]:
    return {
        "id": document.id,
        "reseller_id": document.reseller_id,
        "bytes": document.size_bytes,
        "created_at": document.created_at.isoformat(),
        "text": document.text,
    }
