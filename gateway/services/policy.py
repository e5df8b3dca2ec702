"""What a reseller may ask for a line or a device: its policy, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.caller import Caller
from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import (
    BouquetNotAllowed,
    Fault,
    FieldNotAllowed,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
)
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.paging import PageRequest
from gateway.domain.panels import Panel
from gateway.domain.resellers import Policy, Reseller
from gateway.domain.subscriptions import SENTINEL, Changes, NewSubscription, Subscription
from gateway.services.noun import AnyNoun
from gateway.services.ports.store import Store

OPERATOR_FIELDS: Final = (
    "reseller_id",
    "member_id",
    "force_server_id",
    "isp_lock",
    "enabled",
    "admin_enabled",
    "admin_notes",
    "extra",
)
TRIAL_WINDOW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Placement:
    """On which panel, and for whom (None: the operator's own)."""

    panel: Panel
    reseller: Reseller | None


def refuse_operator_fields(caller: Caller, given: Iterable[str]) -> None:
    """Refuse fields that only operators may set, naming all of them.

    Raises:
        FieldNotAllowed
    """
    if caller.sees_everything:
        return
    faults = tuple(
        Fault(f"/{name}", "field_not_allowed", "Only operators may set this.") for name in given
    )
    if faults:
        raise FieldNotAllowed("The request has fields that only operators may set.", faults=faults)


def operator_fields_of(new: NewSubscription) -> tuple[str, ...]:
    """Return the operators' fields that a creation names."""
    return tuple(name for name in OPERATOR_FIELDS if getattr(new, name) is not None)


def operator_fields_changed(changes: Changes, *, but_term: bool = False) -> tuple[str, ...]:
    """Return the operators' fields that a patch names; the expiry is one (others renew)."""
    names = [name for name in OPERATOR_FIELDS if name != "reseller_id"]
    if not but_term:
        names.append("expires_at")
    return tuple(name for name in names if getattr(changes, name) is not UNCHANGED)


async def place(caller: Caller, store: Store, new: NewSubscription) -> Placement:
    """Find the reseller and the panel of a new line or device.

    Raises:
        NotFound: the panel or reseller does not exist, or is not the caller's to use.
        InvalidRequest: no panel named where there is not exactly one, or no account there.
    """
    reseller_id = caller.reseller_id or new.reseller_id
    reseller = None if reseller_id is None else await store.resellers.get(ResellerId(reseller_id))
    panel_id = new.panel_id or await _only_panel(store, reseller)
    if not caller.sees_everything and reseller and panel_id not in reseller.panel_ids:
        raise NotFound("There is no such panel.")
    panel = await store.panels.get(panel_id)
    _must_have_account(reseller, panel, new.member_id)
    return Placement(panel, reseller)


async def _only_panel(store: Store, reseller: Reseller | None) -> PanelId:
    if reseller is not None:
        ids = reseller.panel_ids
    else:
        ids = tuple(panel.id for panel in (await store.panels.list(PageRequest(limit=2))).items)
    if len(ids) != 1:
        detail = "Name the panel: there is not exactly one to choose."
        raise InvalidRequest(detail, faults=(Fault("/panel_id", "missing", detail),))
    return ids[0]


def _must_have_account(reseller: Reseller | None, panel: Panel, member_id: int | None) -> None:
    if reseller is None:
        return
    account = reseller.member_id_on(panel.id)
    if account is None:
        detail = "The reseller has no account on this panel."
        raise InvalidRequest(detail, faults=(Fault("/panel_id", "no_account", detail),))
    if member_id is not None and member_id != account:
        detail = "A line made for a reseller carries its own account on the panel."
        raise InvalidRequest(detail, faults=(Fault("/member_id", "not_its_account", detail),))


def check_term(expires_at: datetime | None, now: datetime, *, pointer: str) -> None:
    """Refuse an expiry that is over, or that the panel would read as never.

    Raises:
        InvalidRequest
    """
    if expires_at is None:
        return
    if expires_at <= now:
        detail = "It would have expired already."
        raise InvalidRequest(detail, faults=(Fault(pointer, "in_the_past", detail),))
    check_not_too_far(expires_at, pointer=pointer)


def check_not_too_far(expires_at: datetime | None, *, pointer: str) -> None:
    """Refuse an expiry that the panel would read as never.

    Raises:
        InvalidRequest
    """
    if expires_at is not None and expires_at >= SENTINEL:
        detail = "The panel reads dates from 2038-01-01 on as never."
        raise InvalidRequest(detail, faults=(Fault(pointer, "too_far", detail),))


def check_values(
    policy: Policy,
    panel_id: PanelId,
    *,
    never_expires: bool,
    is_restreamer: bool,
    max_connections: int | None,
    bouquet_ids: tuple[int, ...],
) -> None:
    """Hold values against a reseller's policy.

    Raises:
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded
    """
    if never_expires:
        check_never_expires(policy)
    if is_restreamer:
        check_restream(policy)
    check_bouquets(policy, panel_id, bouquet_ids)
    check_connections(policy, max_connections)


def check_never_expires(policy: Policy) -> None:
    """Refuse a never-expiring line where the policy has none.

    Raises:
        FieldNotAllowed
    """
    if not policy.may_never_expire:
        raise _forbidden("/never_expires", "Your policy has no never-expiring lines.")


def check_restream(policy: Policy) -> None:
    """Refuse a restreaming line where the policy has none.

    Raises:
        FieldNotAllowed
    """
    if not policy.may_restream:
        raise _forbidden("/is_restreamer", "Your policy has no restreaming.")


def refuse_new_trial() -> None:
    """Refuse to make a trial of a line that was none: trials are counted at creation.

    Raises:
        FieldNotAllowed
    """
    raise _forbidden("/is_trial", "A line becomes a trial only when it is created.")


def check_extra(panel: Panel, extra: Mapping[str, str]) -> None:
    """Refuse extra columns that the panel is not configured to have, naming all of them.

    Raises:
        InvalidRequest
    """
    unknown = sorted(set(extra) - set(panel.extra_columns))
    if unknown:
        detail = "The panel is not configured to have this column."
        faults = tuple(Fault(f"/extra/{name}", "unknown_field", detail) for name in unknown)
        raise InvalidRequest("The request names columns that are not configured.", faults=faults)


def _forbidden(pointer: str, detail: str) -> FieldNotAllowed:
    return FieldNotAllowed(detail, faults=(Fault(pointer, "field_not_allowed", detail),))


def check_bouquets(policy: Policy, panel_id: PanelId, bouquet_ids: tuple[int, ...]) -> None:
    """Refuse bouquets outside the policy, naming all of them.

    Raises:
        BouquetNotAllowed
    """
    if policy.bouquet_ids is None:
        return
    allowed = policy.bouquet_ids.get(panel_id, ())
    faults = tuple(
        Fault(f"/bouquet_ids/{place}", "bouquet_not_allowed", f"Bouquet {number} is not yours.")
        for place, number in enumerate(bouquet_ids)
        if number not in allowed
    )
    if faults:
        raise BouquetNotAllowed("Your policy does not include these bouquets.", faults=faults)


def check_connections(policy: Policy, max_connections: int | None) -> None:
    """Refuse more connections than the policy allows; no limit is more than any limit.

    Raises:
        QuotaExceeded
    """
    limit = policy.max_connections
    if limit is not None and (max_connections is None or max_connections > limit):
        raise QuotaExceeded(f"Your policy allows at most {limit} connections a line.")


async def check_quota(
    store: Store, reseller: Reseller, noun: AnyNoun, *, is_trial: bool, now: datetime
) -> None:
    """Count under a lock, so that two creations at once cannot both be the last one.

    Raises:
        QuotaExceeded
    """
    limit, trials = noun.limit_of(reseller.policy), reseller.policy.trials_per_day
    if limit is None and not (is_trial and trials is not None):
        return
    await store.resellers.lock(reseller.id)
    if limit is not None and await noun.rows(store).count(reseller.id) >= limit:
        raise QuotaExceeded(f"Your policy allows at most {limit} {noun.word}s.")
    if is_trial and trials is not None:
        since = now - TRIAL_WINDOW
        made = await store.lines.count_trials(reseller.id, since)
        made += await store.devices.count_trials(reseller.id, since)
        if made >= trials:
            raise QuotaExceeded(f"Your policy allows {trials} trials in 24 hours.")


async def policy_of(caller: Caller, store: Store, resource: Subscription) -> Policy | None:
    """Return the policy that bounds changes of *resource* by *caller*; None for operators."""
    if caller.sees_everything or resource.reseller_id is None:
        return None
    return (await store.resellers.get(resource.reseller_id)).policy
