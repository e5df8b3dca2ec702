"""Lines and devices, for tests that hold for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.devices import DeviceFilter
from gateway.domain.errors import GatewayError, MacTaken, UsernameTaken
from gateway.domain.ids import IdKind
from gateway.domain.lines import LineFilter
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Filter
from gateway.services.ports.store import Store
from tests.factories import a_device, a_line


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One of the two: how it is made, where it is kept, and what is unique on its panel."""

    noun: str
    id_kind: IdKind
    make: Callable[..., Any]
    criteria: Callable[..., Filter]
    name: dict[str, str]
    name_taken: type[GatewayError]
    #: Values of the members that only this kind has.
    own: dict[str, Any]

    def of(self, store: Store) -> Any:
        """Return the repository."""
        return getattr(store, self.noun)


LINES: Final = Kind(
    noun="lines",
    id_kind=IdKind.LINE,
    make=a_line,
    criteria=LineFilter,
    name={"username": "bob"},
    name_taken=UsernameTaken,
    own={"username": "Some.User", "password": Secret("pässword")},
)
DEVICES: Final = Kind(
    noun="devices",
    id_kind=IdKind.DEVICE,
    make=a_device,
    criteria=DeviceFilter,
    name={"mac": "00:1A:79:0B:0B:0B"},
    name_taken=MacTaken,
    own={"mac": "D4:CF:F9:AB:CD:EF", "panel_device_id": 2**34},
)
KINDS: Final = (LINES, DEVICES)
