"""Caller -> Scope: which rows a session may see and touch. The only file that makes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.caller import ROOT_PATH

if TYPE_CHECKING:
    from gateway.domain.caller import Caller


@dataclass(frozen=True, slots=True)
class Scope:
    """The owner paths at or below `path`. The root covers everything."""

    path: str

    @property
    def is_everything(self) -> bool:
        """Operators and workers."""
        return self.path == ROOT_PATH

    @property
    def path_end(self) -> str:
        """Return the first path after the subtree, for `path <= x AND x < path_end`.

        Every path ends in `/`, and `0` is the character after it.
        """
        return self.path[:-1] + "0"

    def covers(self, owner_path: str) -> bool:
        """Tell whether rows of *owner_path* may be seen."""
        return owner_path.startswith(self.path)


def scope_of(caller: Caller) -> Scope:
    """Return what *caller* may see: all, or its reseller and those below."""
    return Scope(ROOT_PATH) if caller.sees_everything else Scope(caller.owner_path)


def system_scope() -> Scope:
    """Return the scope of the gateway itself: key look-up, the engine and the workers."""
    return Scope(ROOT_PATH)
