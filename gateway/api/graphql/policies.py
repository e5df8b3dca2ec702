"""A reseller's policy, sent and shown. A public contract, written out by hand."""

from __future__ import annotations

from typing import Any

import strawberry

from gateway.api.graphql.describe import about, field, given
from gateway.api.graphql.names import members
from gateway.api.graphql.scalars import Duration
from gateway.api.graphql.shown import Shown
from gateway.api.rest import policy_shapes as rest


@strawberry.type(description="Bouquets of one panel.")
class PanelBouquets:
    """Bouquets of one panel."""

    panel_id: strawberry.ID = about("Which panel.")
    bouquet_ids: list[int] = about("The panel's numbers of its groups of channels.")


@strawberry.type(description="What a reseller may ask for; a null limit means no limit.")
class Policy(Shown):
    """What a reseller may ask for."""

    out = rest.PolicyOut

    panel_ids: list[strawberry.ID] = about("Panels that it may use.")
    max_connections: int | None = about("Streams at once for each line and device.")
    max_lines: int | None = about("How many lines it may have.")
    max_devices: int | None = about("How many devices it may have.")
    trials_per_day: int | None = about("How many trials it may make a day.")
    may_restream: bool = about("Whether it may allow restreaming.")
    may_never_expire: bool = about("Whether it may sell without an end.")
    subscriber_may: list[str] = about("What its subscribers may do, such as `rotate_password`.")
    expiring_marks: list[Duration] = about("How long before an end it is told.")

    @field
    def bouquet_ids(self) -> list[PanelBouquets] | None:
        """What it may sell, by panel; null: everything. A panel not named here allows none."""
        by_panel: Any = self.bouquet_ids  # REST's answer: a mapping.
        if by_panel is None:
            return None
        return [
            PanelBouquets(panel_id=strawberry.ID(panel_id), bouquet_ids=list(ids))
            for panel_id, ids in by_panel.items()
        ]


@strawberry.input(description="Bouquets of one panel.")
class PanelBouquetsInput:
    """Bouquets of one panel."""

    panel_id: strawberry.ID = about("Which panel.")
    bouquet_ids: list[int] = about("The panel's numbers of its groups of channels.")


@strawberry.input(
    description="What a reseller may ask for; a null limit means no limit. In a change, what is "
    "left out stays."
)
class PolicyInput:
    """What a reseller may ask for."""

    panel_ids: list[strawberry.ID] | None = given("Panels it may use; null: where it has accounts.")
    bouquet_ids: list[PanelBouquetsInput] | None = given(
        "What it may sell, by panel; null: everything. A panel not named here allows none."
    )
    max_connections: int | None = given("Streams at once for each line and device.")
    max_lines: int | None = given("How many lines it may have.")
    max_devices: int | None = given("How many devices it may have.")
    trials_per_day: int | None = given("How many trials it may make a day.")
    may_restream: bool | None = given("Whether it may allow restreaming.")
    may_never_expire: bool | None = given("Whether it may sell without an end.")
    subscriber_may: list[str] | None = given(
        "What its subscribers may do, such as `rotate_password`."
    )
    expiring_marks: list[Duration] | None = given("How long before an end it is told.")

    def to_body(self) -> dict[str, Any]:
        """Return the policy as REST has it: bouquets by panel, in one mapping."""
        body = members(self)
        if body.get("bouquet_ids") is not None:
            body["bouquet_ids"] = {
                each["panel_id"]: each["bouquet_ids"] for each in body["bouquet_ids"]
            }
        return body
