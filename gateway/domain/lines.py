"""A line: a subscriber account with username and password on one panel."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.calls import Credentials
from gateway.domain.ids import LineId, PanelId, ResellerId
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Filter, NewSubscription, ObservedInfo, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Subscription):
    """A subscriber account."""

    id: LineId
    username: str
    password: Secret

    @property
    def credentials(self) -> Credentials:
        """Return the pair by which the panel finds this line."""
        return Credentials(username=self.username, password=self.password)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLine:
    """A line together with what its panel last said.

    `info` None: the panel has not been asked (pending, unknown and terminated lines).
    """

    line: Line
    info: ObservedInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine(NewSubscription):
    """A line to make. Username and password are made by the gateway where they are None."""

    username: str | None = None
    password: Secret | None = None
    allowed_user_agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWithPassword:
    """The answer to create and rotate: the only place where a password is shown unasked."""

    line: ObservedLine
    password: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter(Filter):
    """Which lines to list."""

    username: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineImport:
    """A line that is on a panel already, to be adopted. `reseller_id` None: the operator's own."""

    panel_id: PanelId
    reseller_id: ResellerId | None
    username: str
    password: Secret
    external_id: str | None = None


def normal_username(username: str) -> str:
    """Return the form in which usernames are unique per panel: trimmed and case-folded.

    The panel's database compares text without case and trailing blanks.
    """
    return username.strip().casefold()
