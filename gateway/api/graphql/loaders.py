"""Batches within one operation: what fifty nodes ask for one by one is asked for together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from strawberry.dataloader import DataLoader

from gateway.domain.catalog import PanelBouquet
from gateway.domain.errors import GatewayError
from gateway.domain.ids import DeviceId, LineId, PanelId
from gateway.domain.subscriptions import ObservedInfo
from gateway.services import catalog, device_info, line_info
from gateway.services.context import Context

KeyT = TypeVar("KeyT", bound=str)

Found = Mapping[str, ObservedInfo | GatewayError]


class Loaders:
    """The loaders of one operation; each asks its service once for all keys of a tick."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.line_infos: DataLoader[LineId, ObservedInfo] = DataLoader(
            load_fn=_batch(partial(line_info.list_line_infos, context))
        )
        self.device_infos: DataLoader[DeviceId, ObservedInfo] = DataLoader(
            load_fn=_batch(partial(device_info.list_device_infos, context))
        )
        self.bouquets: DataLoader[str, tuple[PanelBouquet, ...]] = DataLoader(
            load_fn=self._bouquets
        )

    async def _bouquets(self, panel_ids: list[str]) -> list[tuple[PanelBouquet, ...]]:
        only = PanelId(panel_ids[0]) if len(panel_ids) == 1 else None
        found = await catalog.list_bouquets(self._context, only)
        return [tuple(it for it in found if it.panel_id == panel_id) for panel_id in panel_ids]


def _batch(
    ask: Callable[[tuple[KeyT, ...]], Awaitable[Found]],
) -> Callable[[list[KeyT]], Awaitable[Sequence[ObservedInfo | Exception]]]:
    """Return a load function that gives each key its own answer or its own error."""

    async def load(keys: list[KeyT]) -> list[ObservedInfo | Exception]:
        found = await ask(tuple(keys))
        return [found[key] for key in keys]

    return load
