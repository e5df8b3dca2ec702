"""What callers want of Redis at one moment, sent together: all look-ups are one MGET.

A batch knows how to become commands and what the answers mean for each waiter; it does no input or
output. Waiters get an answer or, on any failure, nothing; a waiter that went away disturbs nobody.

One MGET over many resources works on one server, not across the slots of a Redis Cluster. To use
one, send a MGET for each resource instead (its two keys share a slot).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, TypeAlias, TypeVar

from gateway.cache.agreement import NOTHING, lookup_of
from gateway.cache.keys import CLAIM_SECONDS, Lifetimes, epoch_key, value_key
from gateway.cache.link import Command, Link
from gateway.cache.scripts import CLAIM_MARK, EPOCH_DIGITS_MAX
from gateway.cache.sealing import EntrySealer
from gateway.services.ports.cache import CacheEntry, Claim, Lookup

T = TypeVar("T")

#: Bounds how long one exchange keeps the server and the event loop busy.
RESOURCES_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Raise:
    """An epoch to tell, again and again until it is told."""

    resource_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Teach:
    """An epoch to tell while a claim is good."""

    resource_id: str
    epoch: int
    claim: Claim


@dataclass(frozen=True, slots=True)
class Put:
    """An entry to keep."""

    resource_id: str
    entry: CacheEntry


Write: TypeAlias = Raise | Teach | Put


class Batch:
    """Look-ups, claims and writes that share one exchange, which ends at `deadline` (loop time)."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._reads: dict[str, list[asyncio.Future[Lookup]]] = {}
        self._claims: list[tuple[str, asyncio.Future[Claim | None]]] = []
        self._writes: list[tuple[Write, asyncio.Future[bool]]] = []

    @property
    def is_full(self) -> bool:
        """Tell whether no more should be added."""
        return len(self._reads) + len(self._claims) + len(self._writes) >= RESOURCES_MAX

    def look_up(self, resource_id: str) -> asyncio.Future[Lookup]:
        """Add a look-up; readers of one resource share its two keys."""
        future: asyncio.Future[Lookup] = asyncio.get_running_loop().create_future()
        self._reads.setdefault(resource_id, []).append(future)
        return future

    def claim(self, resource_id: str) -> asyncio.Future[Claim | None]:
        """Add a claim."""
        future: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._claims.append((resource_id, future))
        return future

    def write(self, wanted: Write) -> asyncio.Future[bool]:
        """Add a write; its future tells whether the server took it."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._writes.append((wanted, future))
        return future

    def commands(self, link: Link, sealer: EntrySealer, lifetimes: Lifetimes) -> list[Command]:
        """Return what to send: writes first, so that readers of this moment see them."""
        commands = [
            write_command(wanted, link, sealer, lifetimes) for wanted, _future in self._writes
        ]
        commands += [_claim_command(resource_id, link) for resource_id, _future in self._claims]
        if self._reads:
            commands.append(("MGET", *_keys(link.run_id, self._reads)))
        return commands

    def resolve(self, answers: Sequence[Any], link: Link, sealer: EntrySealer) -> list[Raise]:
        """Give each waiter its answer; return the raises that were not taken."""
        refused: list[Raise] = []
        for (wanted, writer), answer in zip(self._writes, answers, strict=False):
            taken = answer == 1
            _give(writer, taken)
            if isinstance(wanted, Raise) and not taken:
                refused.append(wanted)
        for (_, claimer), answer in zip(self._claims, answers[len(self._writes) :], strict=False):
            _give(claimer, _claim_of(answer))
        held = answers[-1] if self._reads else ()
        for number, (resource_id, waiters) in enumerate(self._reads.items()):
            sealed, epoch = held[2 * number : 2 * number + 2]
            key = value_key(link.run_id, resource_id)
            entry = sealer.unseal(sealed, key) if sealed is not None else None
            lookup = lookup_of(entry, _epoch_of(epoch))
            for waiter in waiters:
                _give(waiter, lookup)
        return refused

    def fail(self) -> list[Raise]:
        """Give all who still wait nothing; return the raises."""
        for waiters in self._reads.values():
            for waiter in waiters:
                _give(waiter, NOTHING)
        for _id, claimer in self._claims:
            _give(claimer, None)
        for _wanted, future in self._writes:
            _give(future, False)
        return [wanted for wanted, _ in self._writes if isinstance(wanted, Raise)]


def write_command(wanted: Write, link: Link, sealer: EntrySealer, lifetimes: Lifetimes) -> Command:
    """Return the script call of one write."""
    value = value_key(link.run_id, wanted.resource_id)
    epoch = epoch_key(link.run_id, wanted.resource_id)
    epoch_life = lifetimes.epoch_seconds * 1000
    if isinstance(wanted, Raise):
        return ("EVALSHA", link.raise_epoch, 2, epoch, value, wanted.epoch, epoch_life)
    if isinstance(wanted, Teach):
        told = (wanted.epoch, epoch_life, wanted.claim)
        return ("EVALSHA", link.teach, 2, epoch, value, *told)
    sealed = sealer.seal(wanted.entry, value)
    number = wanted.entry.epoch
    value_life = lifetimes.value_seconds * 1000
    return ("EVALSHA", link.put, 2, epoch, value, number, epoch_life, sealed, value_life)


def _claim_command(resource_id: str, link: Link) -> Command:
    keys = (epoch_key(link.run_id, resource_id), value_key(link.run_id, resource_id))
    fresh = f"{CLAIM_MARK}{token_hex(8)}"
    return ("EVALSHA", link.claim, 2, *keys, fresh, CLAIM_SECONDS * 1000)


def _claim_of(answer: object) -> Claim | None:
    """Return the claim that a server told; anything that the script does not say is none."""
    if not isinstance(answer, bytes) or not answer.startswith(CLAIM_MARK.encode()):
        return None
    return Claim(answer.decode("ascii", errors="replace"))


def _keys(run_id: str, resource_ids: Iterable[str]) -> Iterator[str]:
    for resource_id in resource_ids:
        yield value_key(run_id, resource_id)
        yield epoch_key(run_id, resource_id)


def _epoch_of(held: bytes | None) -> int | None:
    """Return the number in an epoch key; anything that a script did not write is nothing."""
    if held is None or len(held) > EPOCH_DIGITS_MAX or not held.isdigit():
        return None
    return int(held)


def _give(waiter: asyncio.Future[T], answer: T) -> None:
    if not waiter.done():
        waiter.set_result(answer)
