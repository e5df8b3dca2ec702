"""The table of routes as one Starlette route: found by walking the path's parts, not one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.api.exchange import Answer, exchange_of, header
from gateway.api.rest.binding import bind
from gateway.api.rest.rendering import render
from gateway.api.rest.routing import Route
from gateway.services.context import Ports

_NODE: Final = "gateway.node"


@dataclass(slots=True)
class _Node:
    """One place in the tree of paths; fixed parts win over ids."""

    fixed: dict[str, _Node] = field(default_factory=dict)
    named: _Node | None = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)

    @property
    def allow(self) -> str:
        """Return the value of the Allow header."""
        methods = {*self.routes, "OPTIONS"}
        return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


class RestRoutes(BaseRoute):
    """Serves a table of routes with *ports*."""

    def __init__(self, table: Iterable[Route], ports: Ports) -> None:
        self.ports = ports
        self.root = _Node()
        for route in table:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self.root
        for part in route.path[1:].split("/"):
            if part.startswith("{"):
                node.named = node.named or _Node(name=part[1:-1])
                node = node.named
                if node.name != part[1:-1]:
                    raise ValueError(f"two names for one place: {route.path}")
            else:
                node = node.fixed.setdefault(part, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.routes[route.method] = route

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether the path is ours; the method is looked at in `handle`."""
        if scope["type"] != "http":
            return Match.NONE, {}
        node, values = self.root, {}
        for part in scope["path"][1:].split("/"):
            below = node.fixed.get(part)
            if below is None:
                below = node.named
                if below is None:
                    return Match.NONE, {}
                values[below.name] = part
            node = below
        if not node.routes:
            return Match.NONE, {}
        return Match.FULL, {"path_params": values, _NODE: node}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or raise what is wrong with it."""
        node: _Node = scope[_NODE]
        method = scope["method"]
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            if method == "OPTIONS":
                allow = header(b"allow", node.allow)
                await Answer(204, media_type=b"", headers=(allow,))(scope, receive, send)
                return
            raise HTTPException(405, headers={"Allow": node.allow})
        exchange = exchange_of(scope)
        exchange.route = route.path
        call = await bind(route, scope, receive, exchange, self.ports)
        result: Any = await route.endpoint(call.context, **call.arguments)
        await render(route, scope, result, call.preferences)(scope, receive, send)
