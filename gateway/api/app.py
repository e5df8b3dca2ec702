"""The ASGI applications: the API, and the small one of the operations port."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute

from gateway.api.contracts import to_text
from gateway.api.docs import docs_routes
from gateway.api.exchange import Answer, exchange_of
from gateway.api.gate import GateMiddleware
from gateway.api.graphql.endpoint import GraphqlRoute
from gateway.api.graphql.graphiql import graphiql_answer, graphiql_routes
from gateway.api.graphql.request import Executor
from gateway.api.health import health_routes
from gateway.api.inbound import inbound_routes
from gateway.api.middleware import BodyLimitMiddleware, ExchangeMiddleware, note
from gateway.api.oauth.endpoints import oauth_endpoints
from gateway.api.oauth.errors import error_answer
from gateway.api.oauth.metadata import metadata_routes
from gateway.api.options import ApiOptions
from gateway.api.origins import OriginMiddleware
from gateway.api.rest.dispatch import RestRoutes
from gateway.api.rest.openapi import openapi
from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.domain.errors import GatewayError
from gateway.services.context import Ports


def create_app(
    ports: Ports,
    options: ApiOptions | None = None,
    *,
    table: Iterable[Route] = TABLE,
    executor: Executor | None = None,
) -> Starlette:
    """Return the API with everything that it serves; without an *executor*, REST only."""
    options = options or ApiOptions()
    routes = tuple(table)
    graphql: list[BaseRoute] = []
    if executor is not None:
        endpoint = GraphqlRoute(executor, ports, options, page=graphiql_answer)
        graphql = [endpoint, *graphiql_routes()]
    return _app(
        [
            RestRoutes(routes, ports),
            *graphql,
            *_oauth_routes(ports),
            *inbound_routes(ports),
            *health_routes(ports, options, free_metrics=False),
            *docs_routes(
                lambda: to_text(openapi(routes)), None if executor is None else executor.sdl
            ),
        ],
        ports,
        options,
        Middleware(OriginMiddleware, ports=ports),
        Middleware(GateMiddleware, requests_max=options.requests_max),
    )


def _oauth_routes(ports: Ports) -> list[BaseRoute]:
    if ports.oauth is None:
        return []
    return [*oauth_endpoints(ports, ports.oauth), *metadata_routes(ports, ports.oauth)]


def create_ops_app(ports: Ports, options: ApiOptions | None = None) -> Starlette:
    """Return what the operations port serves: health, and metrics without a key."""
    options = options or ApiOptions()
    return _app(list(health_routes(ports, options, free_metrics=True)), ports, options)


def _app(
    routes: list[BaseRoute], ports: Ports, options: ApiOptions, *more: Middleware
) -> Starlette:
    async def answer_error(request: Request, error: Exception) -> Answer:
        if request.scope["type"] == "websocket":
            raise error  # The middleware refuses or closes it.
        exchange = exchange_of(request.scope)
        note(exchange, error, options)
        return error_answer(error, exchange)

    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(ExchangeMiddleware, options=options, lifecycle=ports.lifecycle),
            *more,
            Middleware(
                BodyLimitMiddleware,
                bytes_max=options.body_bytes_max,
                seconds_max=options.request_seconds,
            ),
        ],
        exception_handlers={GatewayError: answer_error, HTTPException: answer_error},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return app
