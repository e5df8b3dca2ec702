"""What is sent of lines. A public contract, written out by hand."""

from __future__ import annotations

import strawberry

from gateway.api.graphql.describe import about, given
from gateway.api.graphql.subscription_inputs import (
    CreateFields,
    FilterFields,
    ImportFields,
    RenewFields,
    SwitchFields,
    UpdateFields,
)


@strawberry.input(
    description="A line to create. Exactly one of expiresAt, period and neverExpires: true."
)
class CreateLineInput(CreateFields):
    """A line to create."""

    username: str | None = given("Left out: the gateway makes one.")
    password: str | None = given("Left out: the gateway makes one.")
    allowed_user_agents: list[str] | None = given("Players it may be used with; empty: any.")


@strawberry.input(
    description="How the line with your own id should be: it is created, or brought in step. "
    "Username, password and panel of a line that is there cannot change."
)
class PutLineInput(CreateLineInput):
    """How the line of an external id should be."""

    external_id: str = about("Your own id: which line.")


@strawberry.input(description="What to change of a line; what is left out stays.")
class UpdateLineInput(UpdateFields):
    """What to change of a line."""


@strawberry.input(
    description="Until when a line shall play: exactly one of expiresAt, period and "
    "neverExpires: true."
)
class RenewLineInput(RenewFields):
    """Until when a line shall play."""


@strawberry.input(description="Which line to suspend, and why.")
class SuspendLineInput(SwitchFields):
    """Which line to suspend."""


@strawberry.input(description="Which line to resume, and why.")
class ResumeLineInput(SwitchFields):
    """Which line to resume."""


@strawberry.input(description="Which line to end for good, and why.")
class TerminateLineInput(SwitchFields):
    """Which line to end."""


@strawberry.input(description="Which line gets a new password.")
class RotateLinePasswordInput:
    """Which line gets a new password."""

    id: strawberry.ID = about("Which line.")
    password: str | None = given("The new one; left out: the gateway makes it.")


@strawberry.input(description="What a subscriber types in.")
class LookupLineInput:
    """What a subscriber types in."""

    username: str = about("The username, in any case.")
    password: str = about("The password, exactly.")


@strawberry.input(description="A line that is on a panel already, to be adopted as it is.")
class ImportLineInput(ImportFields):
    """A line to adopt."""

    username: str = about("Its username on the panel.")
    password: str = about("Its password on the panel.")


@strawberry.input(description="Which lines; what is left out does not narrow.")
class LineFilter(FilterFields):
    """Which lines."""

    username: str | None = given("With this username, in any case.")
