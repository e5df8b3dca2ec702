"""The routes of the REST API, all of them."""

from __future__ import annotations

from typing import Final

from gateway.api.rest import audit, keys, lines, me, operations, panels, resellers
from gateway.api.rest.routing import Route, routes_of

TABLE: Final[tuple[Route, ...]] = routes_of(me, lines, operations, resellers, panels, keys, audit)
