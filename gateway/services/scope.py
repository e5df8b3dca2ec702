"""Caller -> Scope: which rows a session may see and touch. The only file that makes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.caller import ROOT_PATH, CallerKind

if TYPE_CHECKING:
    from gateway.domain.caller import Caller


@dataclass(frozen=True, slots=True)
class Scope:
    """The owner paths at or below `path`, the root: all; with `resource_id`, of that one only.

    A scope that is bound to a line or device has, of all that there is, the rows about that one.
    """

    path: str
    resource_id: str | None = None

    @property
    def is_everything(self) -> bool:
        """Operators and workers."""
        return self.path == ROOT_PATH and self.resource_id is None

    @property
    def path_end(self) -> str:
        """Return the first path after the subtree, for `path <= x AND x < path_end`.

        Every path ends in `/`, and `0` is the character after it.
        """
        return self.path[:-1] + "0"

    def covers(self, owner_path: str, resource_id: str | None) -> bool:
        """Tell whether what *owner_path* has about *resource_id* may be seen.

        *resource_id* None: it is about no single line or device, so no bound scope has it.
        """
        is_about = self.resource_id is None or self.resource_id == resource_id
        return is_about and owner_path.startswith(self.path)


def scope_of(caller: Caller) -> Scope:
    """Return what *caller* may see: all, its reseller and those below, or its one line or device.

    Raises:
        RuntimeError: a storefront's caller is bound to nothing, or another one is bound: a bug.
    """
    if (caller.kind is CallerKind.STOREFRONT) is (caller.resource_id is None):
        raise RuntimeError("storefronts, and nobody else, are bound to one line or device")
    if caller.sees_everything:
        return Scope(ROOT_PATH)
    return Scope(caller.owner_path, caller.resource_id)


def system_scope() -> Scope:
    """Return the scope of the gateway itself: key look-up, the engine and the workers."""
    return Scope(ROOT_PATH)
