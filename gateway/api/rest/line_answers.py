"""What is shown of lines. A public contract, written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.api.rest.routing import Observed
from gateway.api.rest.shapes import Out
from gateway.api.rest.subscription_answers import (
    SubscriptionInfoOut,
    SubscriptionOut,
    info_members,
    members,
)
from gateway.domain.ids import LineId
from gateway.domain.lines import LineWithPassword, ObservedLine
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.context import Context


class LineOut(SubscriptionOut, frozen=True, kw_only=True):
    """A subscriber account. `expires_at` null: never; `max_connections` null: no limit.

    `observed` tells how old the panel's word is; null when the panel was not asked.
    """

    object: str = "line"
    username: str


class LineWithPasswordOut(LineOut, frozen=True, kw_only=True):
    """A line with the password that it was just given; null where it kept the one it had."""

    password: str | None


class CredentialsOut(Out, frozen=True, kw_only=True):
    """What a player needs."""

    username: str
    password: str


class LineInfoOut(SubscriptionInfoOut, frozen=True, kw_only=True):
    """Everything the panel says of a line; null where this panel does not say.

    `pair` is the line that shares its connections.
    """

    object: str = "line_info"
    line_id: str
    username: str


def line_out(context: Context) -> Callable[[ObservedLine], LineOut]:
    """Return the mapping of lines to their public shape, as of now."""
    return lambda seen: LineOut(**_members(context, seen))


def line_with_password_out(
    context: Context,
) -> Callable[[LineWithPassword], LineWithPasswordOut]:
    """Return the mapping of lines with their new password."""
    return lambda made: LineWithPasswordOut(
        **_members(context, made.line),
        password=None if made.password is None else made.password.reveal(),
    )


def observed_line(context: Context, seen: ObservedLine) -> Observed[LineOut]:
    """Return a line that was read, with the age of the panel's word."""
    return Observed(line_out(context)(seen), seen.info)


def _members(context: Context, seen: ObservedLine) -> dict[str, Any]:
    line = seen.line
    return {"id": line.id, "username": line.username, **members(context, line, seen.info)}


def info_out(line_id: LineId, seen: ObservedInfo) -> LineInfoOut:
    """Return the public shape of an info answer."""
    return LineInfoOut(line_id=line_id, username=seen.info.username, **info_members(seen))
