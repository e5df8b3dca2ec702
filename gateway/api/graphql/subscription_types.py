"""What lines and devices show alike. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.api.graphql.describe import about
from gateway.api.graphql.enums import State
from gateway.api.graphql.scalars import Metadata


@strawberry.type(description="How old the panel's word is.")
class Observed:
    """How old the panel's word is."""

    at: datetime = about("When the panel said it.")
    age_seconds: int = about("How long ago that is.")
    stale: bool = about("Whether the panel could not be asked again since.")


@strawberry.type(description="A group of channels of a panel.")
class Bouquet:
    """A group of channels."""

    panel_id: strawberry.ID = about("The panel whose group it is.")
    id: int = about("The panel's number of it; not unique across panels.")
    name: str | None = about("As the operator named it; null where it has no name.")


@strawberry.type(description="Streams now, and how many are allowed.")
class Connections:
    """Streams now, and how many are allowed."""

    active_connections: int | None = about("Streams that play now; null where the panel is silent.")
    max_connections: int | None = about("Streams allowed at once; null: no limit.")


@strawberry.type(description="The internet provider that a subscriber is locked to.")
class Isp:
    """The internet provider."""

    number: str | None = about("Its autonomous system.")
    name: str | None = about("Its name.")
    locked: bool = about("Whether others are refused.")
    violation: bool = about("Whether another one was seen.")


class SubscriptionFields:
    """The fields of a line and a device that their records hold."""

    panel_id: strawberry.ID = about("The panel where it lives.")
    reseller_id: strawberry.ID | None = about("Whose it is; null: the operator's own.")
    external_id: str | None = about("Your own id for it.")
    plan_id: strawberry.ID | None = about("The plan it was sold under.")
    state: State = about("Whether it can play, and why not.")
    expires_at: datetime | None = about("When it ends; null: never.")
    max_connections: int | None = about("Streams allowed at once; null: no limit.")
    bouquet_ids: list[int] = about("The panel's numbers of its groups of channels.")
    is_trial: bool = about("Whether it is a trial.")
    is_restreamer: bool = about("Whether it may be restreamed.")
    allowed_ips: list[str] = about("Addresses it may be used from; empty: any.")
    allowed_user_agents: list[str] = about("Players it may be used with; empty: any.")
    notes: str = about("Notes, as the panel keeps them for the reseller.")
    metadata: Metadata = about("Your own keys and values.")
    panel_line_id: int | None = about("The panel's number of the line; null until it is known.")
    version: int = about("Counts changes of this record: for `ifVersion`.")
    created_at: datetime = about("When it was made.")
    updated_at: datetime = about("When its record last changed.")


class InfoFields:
    """The fields of what a panel says of a line and of a device alike."""

    panel_line_id: int = about("The panel's number of the line.")
    enabled: bool = about("The reseller's switch.")
    admin_enabled: bool = about("The operator's switch; off: banned.")
    active_connections: int | None = about("Streams that play now.")
    max_connections: int | None = about("Streams allowed at once; null: no limit.")
    expires_at: datetime | None = about("When it ends; null: never.")
    created_at: datetime | None = about("When the panel made it.")
    bouquet_ids: list[int] | None = about("Its groups of channels.")
    channel_ids: list[int] = about("Channels it can play.")
    series_ids: list[int] = about("Series it can play.")
    output_formats: list[str] = about("Formats it may play in.")
    allowed_ips: list[str] | None = about("Addresses it may be used from.")
    allowed_user_agents: list[str] | None = about("Players it may be used with.")
    pair: Connections | None = about("The line that shares its connections.")
    isp: Isp = about("The internet provider it is locked to.")
    country: str | None = about("The country it is locked to.")
    is_trial: bool = about("Whether it is a trial.")
    is_restreamer: bool = about("Whether it may be restreamed.")
    notes: str = about("Notes, as the panel keeps them for the reseller.")
    observed: Observed = about("How old this answer is.")


strawberry.type(SubscriptionFields, description="What lines and devices have in common.")
strawberry.type(InfoFields, description="What a panel says of lines and devices alike.")
