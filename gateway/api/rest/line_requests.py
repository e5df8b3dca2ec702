"""What is sent of lines. A public contract, written out by hand."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from gateway.api.rest.lists import UserAgents
from gateway.api.rest.subscription_requests import (
    TERM,
    SubscriptionCreate,
    SubscriptionImport,
    SubscriptionPatch,
    SubscriptionQuery,
    SubscriptionRenew,
)
from gateway.api.rest.wire import FreeText, Password, Username, Wire, example
from gateway.domain.ids import IdKind
from gateway.domain.lines import LineFilter, LineImport, NewLine
from gateway.domain.secrets import Secret


class LineCreate(SubscriptionCreate):
    """A line to create. Exactly one of expires_at, period and never_expires: true."""

    model_config = example(TERM, external_id="whmcs:4711", period="P1M", bouquet_ids=[1, 2])

    username: Username | None = None
    password: Annotated[Password | None, Field(repr=False)] = None
    allowed_user_agents: UserAgents = ()

    def to_new_line(self) -> NewLine:
        """Return what the caller asks for, in the services' words."""
        return NewLine(
            username=self.username,
            password=None if self.password is None else Secret(self.password),
            allowed_user_agents=self.allowed_user_agents,
            **self.shared(),
        )


class LinePatch(SubscriptionPatch):
    """What may change of a line. The expiry, and what follows metadata, only by operators."""


class LineRenew(SubscriptionRenew):
    """Until when. Exactly one of expires_at, period and never_expires: true."""


class PasswordRotate(Wire):
    """The new password; without one the gateway makes it."""

    model_config = example()

    password: Annotated[Password | None, Field(repr=False)] = None


class LineLookup(Wire):
    """What a subscriber types in; whatever no line has is simply not found."""

    model_config = example(username="anna", password="a-password")  # noqa: S106 - an example

    username: Annotated[FreeText, Field(min_length=1)]
    password: Annotated[FreeText, Field(min_length=1, repr=False)]


class LineImportIn(SubscriptionImport):
    """A line that is on its panel already, to be adopted as it is."""

    model_config = example(
        panel_id="pnl_0123456789abcdefghjkmnpqrs",
        username="anna",
        password="a-password",  # noqa: S106 - an example
    )

    username: Username
    password: Annotated[Password, Field(repr=False)]

    def to_import(self) -> LineImport:
        """Return what the caller asks for, in the services' words."""
        return LineImport(username=self.username, password=Secret(self.password), **self.shared())


class LineQuery(SubscriptionQuery):
    """Which lines to list."""

    kind: ClassVar[IdKind] = IdKind.LINE

    username: Username | None = None

    def to_filter(self) -> LineFilter:
        """Return what narrows the list, in the services' words."""
        return LineFilter(**self.filters())
