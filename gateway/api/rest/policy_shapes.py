"""What is sent and shown of a reseller's policy; resellers and /v1/me share it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, Strict

from gateway.api.rest.lists import BouquetIds, Listed
from gateway.api.rest.patterns import EXACT_NAMES
from gateway.api.rest.shapes import Out
from gateway.api.rest.wire import (
    DurationText,
    MaxConnections,
    PanelRef,
    Patch,
    Wire,
)
from gateway.domain.resellers import Policy

#: Null: no limit.
Quota = Annotated[int, Field(ge=0, lt=2**31)] | None


class SubscriberAction(StrEnum):
    """What a subscriber may do with a storefront token."""

    ROTATE_PASSWORD = "rotate_password"  # noqa: S105 - the name of an action


PanelRefs = Annotated[tuple[PanelRef, ...], Listed(100)]
PanelBouquets = Annotated[dict[PanelRef, BouquetIds], Field(max_length=100), EXACT_NAMES]
SubscriberActions = Annotated[
    tuple[Annotated[SubscriberAction, Strict(strict=False)], ...], Listed(10)
]
Marks = Annotated[tuple[DurationText, ...], Listed(10)]

_DEFAULT = Policy()


class PolicyIn(Wire):
    """What a reseller may ask for. A null limit means no limit.

    `panel_ids` null: all panels on which it has an account. `bouquet_ids`: by panel; null allows
    all, a panel that is not named allows none.
    """

    panel_ids: PanelRefs | None = None
    bouquet_ids: PanelBouquets | None = None
    max_connections: MaxConnections = 1
    max_lines: Quota = None
    max_devices: Quota = None
    trials_per_day: Quota = 0
    may_restream: bool = False
    may_never_expire: bool = False
    subscriber_may: SubscriberActions = (SubscriberAction.ROTATE_PASSWORD,)
    expiring_marks: Marks = _DEFAULT.expiring_marks

    def to_policy(self) -> Policy:
        """Return the policy in the services' words."""
        return Policy(**dict(self))


class PolicyPatch(Patch):
    """Members of a policy to change."""

    panel_ids: PanelRefs | None = None
    bouquet_ids: PanelBouquets | None = None
    max_connections: MaxConnections = 1
    max_lines: Quota = None
    max_devices: Quota = None
    trials_per_day: Quota = 0
    may_restream: bool = False
    may_never_expire: bool = False
    subscriber_may: SubscriberActions = ()
    expiring_marks: Marks = ()

    def changes(self) -> dict[str, Any]:
        """Return the members that were sent, as the domain has them."""
        return self.given()


class PolicyOut(Out, frozen=True, kw_only=True):
    """What a reseller may ask for. A null limit means no limit.

    `bouquet_ids`: by panel; null allows all, a panel that is not named allows none.
    """

    panel_ids: tuple[str, ...]
    bouquet_ids: dict[str, tuple[int, ...]] | None
    max_connections: int | None
    max_lines: int | None
    max_devices: int | None
    trials_per_day: int | None
    may_restream: bool
    may_never_expire: bool
    subscriber_may: tuple[str, ...]
    expiring_marks: tuple[str, ...]


def policy_out(policy: Policy) -> PolicyOut:
    """Return the public shape of *policy*."""
    return PolicyOut(
        panel_ids=policy.panel_ids or (),
        bouquet_ids=policy.bouquet_ids,
        max_connections=policy.max_connections,
        max_lines=policy.max_lines,
        max_devices=policy.max_devices,
        trials_per_day=policy.trials_per_day,
        may_restream=policy.may_restream,
        may_never_expire=policy.may_never_expire,
        subscriber_may=policy.subscriber_may,
        expiring_marks=policy.expiring_marks,
    )
