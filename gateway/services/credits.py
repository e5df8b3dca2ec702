"""Credits: what a reseller's accounts have left, as their panels say.

A panel lists all its accounts at once, to the administrator only; a reseller is shown its own
number. Each panel is asked once in an interval, whoever asks, and the answer is kept with its age.
One that could not be asked is left alone for a shorter while; what it said before is shown as long
as the cache keeps it, a day by default.

Both are kept in the cache: with Redis, all processes together ask once; without, each by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway.domain.caller import ROOT_PATH, Permission
from gateway.domain.calls import Accounts, ListAccounts
from gateway.domain.catalog import Credits, PanelBalance
from gateway.domain.errors import Fault, InvalidRequest, PanelError
from gateway.domain.ids import ResellerId
from gateway.domain.panels import Panel
from gateway.domain.resellers import PanelAccount, Reseller
from gateway.services.action import Action, action
from gateway.services.codec import pack, unpack
from gateway.services.context import Ports
from gateway.services.ports.cache import CacheEntry

#: How old a panel's list may be before it is asked again.
INTERVAL: Final = timedelta(minutes=5)
#: How long a panel that could not be asked is left alone: shorter, for many a trouble ends sooner.
FAILED_INTERVAL: Final = timedelta(minutes=1)


@action("credits.read", needs=Permission.CREDITS_READ)
async def get_credits(act: Action, reseller_id: ResellerId | None) -> Credits:
    """Return what a reseller has left on each panel where it has an account.

    Args:
        reseller_id: whose; None: the caller's own. Operators must name one.

    Raises:
        NotFound: there is no such reseller.
        InvalidRequest: an operator named none.
    """
    whose = whose_credits(act, reseller_id, pointer="?reseller_id")
    async with act.read() as store:
        reseller = await store.resellers.get(whose)
        alert = await store.credit_alerts.find(whose)
    return Credits(
        balance=None,
        held=None,
        panel_balances=await balances_of(act, reseller),
        low_threshold=None if alert is None else alert.low_threshold,
    )


def whose_credits(act: Action, reseller_id: ResellerId | None, *, pointer: str) -> ResellerId:
    """Return whose credits are meant.

    Raises:
        InvalidRequest: an operator named nobody.
    """
    whose = reseller_id or act.context.caller.reseller_id
    if whose is None:
        detail = "Name the reseller: operators have no credits."
        raise InvalidRequest(detail, faults=(Fault(pointer, "missing", detail),))
    return whose


async def balances_of(act: Action, reseller: Reseller) -> tuple[PanelBalance, ...]:
    """Return what each panel says that the reseller's account has left there."""
    async with act.read() as store:
        held = [(it, await store.panels.get(it.panel_id)) for it in reseller.panel_accounts]
    return tuple([await _balance(act.ports, account, panel) for account, panel in held])


async def _balance(ports: Ports, account: PanelAccount, panel: Panel) -> PanelBalance:
    entry = await accounts_of(ports, panel)
    if entry is None:
        return PanelBalance(panel_id=panel.id, balance=None, observed_at=None)
    accounts = unpack(entry.value, Accounts)
    found = next((it for it in accounts.accounts if it.id == account.member_id), None)
    return PanelBalance(
        panel_id=panel.id,
        balance=None if found is None else found.credits,
        observed_at=entry.observed_at,
    )


async def accounts_of(ports: Ports, panel: Panel) -> CacheEntry | None:
    """Return a panel's accounts, asked at most once in an interval; an old list beats none.

    None: the panel could not be asked, and nothing is kept.
    """
    held = (await ports.cache.look_up(panel.id)).entry
    if _is_young(ports, held, INTERVAL):
        return held
    failed = (await ports.cache.look_up(_failure_of(panel))).entry
    if _is_young(ports, failed, FAILED_INTERVAL):
        return held
    try:
        return await ports.flights.do(
            ("accounts", panel.id), lambda: _ask(ports, panel), linger_seconds=1.0
        )
    except PanelError:
        return held


def _failure_of(panel: Panel) -> str:
    """Return under which id the cache keeps that a panel could not be asked, and when."""
    return f"{panel.id}:failed"


def _is_young(ports: Ports, entry: CacheEntry | None, age_max: timedelta) -> bool:
    return entry is not None and ports.clock.now() - entry.observed_at < age_max


async def _ask(ports: Ports, panel: Panel) -> CacheEntry:
    """Return the panel's list and keep it.

    It is no background call, although it is asked for all: a caller waits for it, and one call in
    minutes crowds out nobody.

    Raises:
        PanelError: it could not be asked, which is kept as well.
    """
    seconds = ports.limits.read_timeout_seconds
    try:
        found = await ports.panels.read(panel, ListAccounts(), timeout_seconds=seconds)
    except PanelError:
        await ports.cache.put(_failure_of(panel), _entry(ports, b""))
        raise
    entry = _entry(ports, pack(found))
    await ports.cache.put(panel.id, entry)
    return entry


def _entry(ports: Ports, value: bytes) -> CacheEntry:
    return CacheEntry(value=value, owner_path=ROOT_PATH, epoch=0, observed_at=ports.clock.now())
