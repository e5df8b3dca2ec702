"""Lock-outs: who guesses secrets is kept waiting, longer each time.

Ask `check` before a secret is looked up, and tell `failed` when there is none such. A success is
not told: somebody with one good key could wipe out his wrong guesses with it.

    subject = of_address(ip)
    await lockouts.check(subject)
    ...
    await lockouts.failed(subject)
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from gateway.domain.clock import SystemClock
from gateway.domain.errors import RateLimited
from gateway.domain.limits import MICROSECONDS, Guesses, LockRule, after_failure
from gateway.services.ports.limits import Locks
from gateway.services.ports.system import Clock

SUBJECTS_MAX: Final = 50_000
#: One customer has at least so much of IPv6: single addresses are free to him.
IPV6_PREFIX: Final = 64


class LocalLocks:
    """The port Locks inside one process. The oldest subject is forgotten beyond *most*."""

    def __init__(self, clock: Clock, *, most: int = SUBJECTS_MAX) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, Guesses] = OrderedDict()

    async def locked_for(self, subjects: Sequence[str]) -> float:
        """Return for how many more seconds one of *subjects* is locked; see the port."""
        now = self._now()
        found = (self._known[subject] for subject in subjects if subject in self._known)
        return max([0, *(known.locked_until - now for known in found)]) / MICROSECONDS

    async def failed(self, subjects: Sequence[str], rule: LockRule) -> None:
        """Count a wrong guess of each; see the port."""
        now = self._now()
        for subject in subjects:
            self._known[subject] = after_failure(self._known.get(subject), now, rule)
            self._known.move_to_end(subject)
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def _now(self) -> int:
        return int(self._clock.monotonic() * MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Lockouts:
    """Keeps those waiting who guess. Subjects that are None are not counted."""

    locks: Locks = field(default_factory=lambda: LocalLocks(SystemClock()))
    rule: LockRule = field(default_factory=LockRule)

    async def check(self, *subjects: str | None) -> None:
        """Let pass who is not locked out.

        Raises:
            RateLimited: one of *subjects* is, for now.
        """
        seconds = await self.locks.locked_for([it for it in subjects if it is not None])
        if seconds > 0:
            raise RateLimited(
                "Too many wrong keys, secrets or passwords from here; wait before the next one.",
                retry_after_seconds=max(1, math.ceil(seconds)),
            )

    async def failed(self, *subjects: str | None) -> None:
        """Count a wrong guess of each of *subjects*."""
        await self.locks.failed([it for it in subjects if it is not None], self.rule)


def of_address(ip: str | None) -> str | None:
    """Return the subject of an address: with IPv6 its /64; None where it is not known."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return f"ip:{address}"
    if address.ipv4_mapped is not None:
        return f"ip:{address.ipv4_mapped}"
    return f"ip:{IPv6Network((int(address), IPV6_PREFIX), strict=False)}"


def of_client(client_id: str, ip: str | None) -> str:
    """Return the subject of an OAuth client at an address.

    Not of the client alone: whoever knows its id could lock it out from anywhere.
    """
    return f"client:{_digest(client_id)}:{of_address(ip) or ''}"


def of_look_up(caller_id: str, username: str) -> str:
    """Return the subject of a caller who looks a line up by its username and password."""
    return f"lookup:{caller_id}:{_digest(username)}"


def _digest(text: str) -> str:
    """Return *text*, which a stranger chose, in a short form of one length."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
