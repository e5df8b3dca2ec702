"""Every key that the gateway keeps in Redis, and how long it lives; no other file makes one.

| key                                   | holds              | lives                           |
|---------------------------------------|--------------------|---------------------------------|
| `xgw:<layout>:<run id>:info:{<id>}`   | a sealed entry     | `Lifetimes.value_seconds`       |
| `xgw:<layout>:<run id>:epoch:{<id>}`  | a decimal number   | `Lifetimes.epoch_seconds`       |
| the same                              | `?` and a claim    | `CLAIM_SECONDS`                 |

`<run id>` is the server's own: a server that was restarted, restored or promoted has another one,
so whatever it holds from before, perhaps without the last invalidations, cannot be reached.
`{<id>}` is the hash tag: both keys of a resource live in one slot, so a script may touch both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Raise it with every change of what keys hold, so that old and new releases do not meet.
LAYOUT: Final = 1

EPOCH_OUTLIVES_VALUE_BY_SECONDS: Final = 3_600
#: How long a reader may take to ask the database.
CLAIM_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long keys live, in seconds; `value_seconds`: how long an entry may be of any use."""

    value_seconds: int

    @property
    def epoch_seconds(self) -> int:
        """Return a life longer than any value's: a value without epoch costs a database read."""
        return self.value_seconds + EPOCH_OUTLIVES_VALUE_BY_SECONDS


def value_key(run_id: str, resource_id: str) -> str:
    """Return where the sealed entry of a resource is; also the place that its seal is bound to."""
    return f"xgw:{LAYOUT}:{run_id}:info:{{{resource_id}}}"


def epoch_key(run_id: str, resource_id: str) -> str:
    """Return where the newest epoch of a resource is."""
    return f"xgw:{LAYOUT}:{run_id}:epoch:{{{resource_id}}}"
