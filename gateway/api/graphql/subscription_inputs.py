"""What is sent of lines and of devices alike. A public contract, written out by hand.

REST's models check every value, so the limits and faults are the same ones.
"""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.api.graphql.describe import about, given
from gateway.api.graphql.enums import RenewFrom, State
from gateway.api.graphql.scalars import Duration, JsonObject, Metadata

_OPERATORS = "For operators: "


class CreateFields:
    """What a line and a device to create have in common. Exactly one term is needed."""

    panel_id: strawberry.ID | None = given("Where; may be left out if the policy has one panel.")
    external_id: str | None = given("Your own id: unique among what is not terminated.")
    plan_id: strawberry.ID | None = given("The plan it is sold under.")
    expires_at: datetime | None = given("Until then; or give `period` or `neverExpires`.")
    period: Duration | None = given("This long from now; or give `expiresAt` or `neverExpires`.")
    never_expires: bool | None = given("For ever, where the policy allows it.")
    max_connections: int | None = given("Streams at once, 1 to 1000; null: no limit. Left out: 1.")
    bouquet_ids: list[int] | None = given("The panel's numbers of the groups of channels.")
    is_trial: bool | None = given("Whether it is a trial; the policy limits them.")
    is_restreamer: bool | None = given("Whether it may be restreamed, where the policy allows it.")
    allowed_ips: list[str] | None = given("Addresses it may be used from; empty: any.")
    notes: str | None = given("Notes that the panel keeps.")
    metadata: Metadata | None = given("Your own keys and values.")
    reseller_id: strawberry.ID | None = given(_OPERATORS + "whose it is.")
    member_id: int | None = given(_OPERATORS + "the account on the panel.")
    force_server_id: int | None = given(_OPERATORS + "the panel's server to play from.")
    isp_lock: bool | None = given(_OPERATORS + "lock it to its internet provider.")
    enabled: bool | None = given(_OPERATORS + "the reseller's switch.")
    admin_enabled: bool | None = given(_OPERATORS + "the operator's switch.")
    admin_notes: str | None = given(_OPERATORS + "notes that only they see.")
    extra: JsonObject | None = given(_OPERATORS + "the panel's configured extra columns.")


class UpdateFields:
    """What may change; what is left out stays, on the panel too."""

    id: strawberry.ID = about("Which one.")
    external_id: str | None = given("Your own id; null takes it away.")
    max_connections: int | None = given("Streams at once, 1 to 1000; null: no limit.")
    bouquet_ids: list[int] | None = given("The panel's numbers of the groups of channels.")
    is_trial: bool | None = given("Whether it is a trial.")
    is_restreamer: bool | None = given("Whether it may be restreamed.")
    allowed_ips: list[str] | None = given("Addresses it may be used from; empty: any.")
    allowed_user_agents: list[str] | None = given("Players it may be used with; empty: any.")
    notes: str | None = given("Notes that the panel keeps.")
    metadata: Metadata | None = given("Keys to set; a null value removes its key.")
    expires_at: datetime | None = given(_OPERATORS + "when it ends; others renew.")
    member_id: int | None = given(_OPERATORS + "the account on the panel.")
    force_server_id: int | None = given(_OPERATORS + "the panel's server to play from.")
    isp_lock: bool | None = given(_OPERATORS + "lock it to its internet provider.")
    enabled: bool | None = given(_OPERATORS + "the reseller's switch.")
    admin_enabled: bool | None = given(_OPERATORS + "the operator's switch.")
    admin_notes: str | None = given(_OPERATORS + "notes that only they see.")
    extra: JsonObject | None = given(_OPERATORS + "the panel's configured extra columns.")


class RenewFields:
    """Until when: exactly one of expiresAt, period and neverExpires."""

    id: strawberry.ID = about("Which one.")
    expires_at: datetime | None = given("Until then.")
    period: Duration | None = given("This much longer, counted as `from` says.")
    from_: RenewFrom | None = given("Where the period starts; left out: LATER.", name="from")
    never_expires: bool | None = given("For ever, where the policy allows it.")
    reference: str | None = given("Yours, such as an invoice id: renews only once.")


class SwitchFields:
    """Which one, and why."""

    id: strawberry.ID = about("Which one.")
    reason: str | None = given("Why, for the audit log.")


class ImportFields:
    """What lines and devices to adopt have in common."""

    panel_id: strawberry.ID = about("The panel that has it.")
    reseller_id: strawberry.ID | None = given("Whose it becomes; null: the operator's own.")
    external_id: str | None = given("The owner's id for it.")


class FilterFields:
    """Which ones; what is left out does not narrow."""

    state: State | None = given("In this state.")
    external_id: str | None = given("With this id of the caller's own.")
    plan_id: str | None = given("Sold under this plan.")
    expires_before: datetime | None = given("Ends before this moment.")
    expires_after: datetime | None = given("Ends after this moment.")
    updated_since: datetime | None = given("Its record changed at this moment or later.")
    reseller_id: strawberry.ID | None = given("Of this reseller.")
    q: str | None = given("The beginning of a username, MAC or external id, in any case.")


for _shape in (CreateFields, UpdateFields, RenewFields, SwitchFields, ImportFields, FilterFields):
    strawberry.input(_shape, description=_shape.__doc__)
