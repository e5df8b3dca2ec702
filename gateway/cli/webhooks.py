"""`webhook tail`: watch events, and forward them to this machine while developing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from gateway.cli.output import AsJson, CommandError
from gateway.domain.events import EventType
from gateway.domain.standard_webhooks import SECRET_BYTES_MIN, secret_key, secret_text
from gateway.services.ports.sender import Sent

app = typer.Typer(help="Webhooks.", no_args_is_help=True)
_COLUMNS: Final = "{timestamp:<27}  {type:<26}  {resource_id:<40}  {sequence:>4}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TailOptions:
    """What `webhook tail` was asked for. `count` 0: until it is stopped."""

    url: str
    key: str
    narrowed: dict[str, str]
    forward: str | None
    secret: bytes
    last: int
    count: int
    every_seconds: float
    as_json: bool


@app.callback()
def root() -> None:
    """Webhooks."""


@app.command("tail")
def tail(  # noqa: PLR0913, PLR0917 - each is an option of the command.
    key: Annotated[
        str,
        typer.Option(
            envvar="XTREAM_GATEWAY_KEY",
            help="A key with events:read. As an option, others on this machine can see it.",
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            envvar="XTREAM_GATEWAY_URL",
            help="The gateway's address; without it that of the settings (GATEWAY_PUBLIC_URL).",
        ),
    ] = None,
    event_type: Annotated[
        EventType | None, typer.Option("--type", help="Only events of this type.")
    ] = None,
    resource: Annotated[
        str | None, typer.Option(help="Only events of this line, device, operation, ….")
    ] = None,
    forward: Annotated[
        str | None,
        typer.Option(help="Post each event to this machine, as in http://127.0.0.1:9000/hook."),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="XTREAM_GATEWAY_WEBHOOK_SECRET",
            help="What forwarded events are signed with, whsec_…; without it one is made.",
        ),
    ] = None,
    last: Annotated[
        int, typer.Option(min=0, max=200, help="Begin with so many that were there before.")
    ] = 0,
    count: Annotated[int, typer.Option(min=0, help="End after so many; 0: never.")] = 0,
    every: Annotated[
        float, typer.Option(min=0.1, max=3_600, help="How often to ask; seconds.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Print events as they come, one a line, until Ctrl-C; --json prints them whole."""
    narrowed = {"type": event_type, "resource_id": resource}
    options = TailOptions(
        url=url or _url_of_settings(),
        key=key,
        narrowed={name: str(value) for name, value in narrowed.items() if value},
        forward=forward,
        secret=_secret(secret),
        last=last,
        count=count,
        every_seconds=every,
        as_json=as_json,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(run_tail(options))


async def run_tail(options: TailOptions) -> None:
    """Print, and forward where that is asked for.

    Raises:
        CommandError: the gateway refuses, is not there, or an address is none.
    """
    from gateway.cli.following import EventReader, followed
    from gateway.cli.forwarding import Forwarder
    from gateway.domain.clock import SystemClock

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        forwarder = None
        if options.forward is not None:
            opened = Forwarder.opened(clock, options.forward, options.secret)
            forwarder = await stack.enter_async_context(opened)
            _tell(f"Forwarding to {options.forward}")
            _tell(f"Signed with {secret_text(options.secret)}")
        reader = await stack.enter_async_context(
            EventReader.opened(options.url, options.key, narrowed=options.narrowed)
        )
        events = followed(
            reader, clock, last=options.last, every_seconds=options.every_seconds, tell=_tell
        )
        left = options.count
        async with aclosing(events):
            async for event in events:
                sent = await forwarder.forward(event) if forwarder else None
                _show(event, sent, as_json=options.as_json)
                left -= 1
                if left == 0:
                    return


def _show(event: Mapping[str, Any], sent: Sent | None, *, as_json: bool) -> None:
    """Write one line at once, so that a pipe has it."""
    from gateway.cli.forwarding import outcome_of

    if as_json:
        outcome = {} if sent is None else {"forwarded": _told(sent)}
        line = json.dumps(dict(event) | outcome, ensure_ascii=False)
    else:
        line = _COLUMNS.format_map(event)
        line += "" if sent is None else f"  {outcome_of(sent)}"
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _told(sent: Sent) -> dict[str, Any]:
    return {"status": sent.status, "fault": sent.fault, "milliseconds": sent.milliseconds}


def _tell(sentence: str) -> None:
    """Say something beside the events."""
    typer.secho(sentence, fg="yellow", err=True)


def _url_of_settings() -> str:
    from gateway.cli.environment import load_settings

    return load_settings().url


def _secret(text: str | None) -> bytes:
    from gateway.domain.secrets import SystemRandom

    if text is None:
        return SystemRandom().bytes(SECRET_BYTES_MIN)
    try:
        return secret_key(text)
    except ValueError as error:
        raise CommandError(f"--secret {error}.") from None
