"""`/graphql`: one path for all transports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.api.auth import credential_of
from gateway.api.exchange import Answer, Exchange, exchange_of, header
from gateway.api.graphql.edge import Edge, note_result
from gateway.api.graphql.http import (
    ALLOW,
    VARY,
    error_answer,
    request_of_body,
    request_of_query,
    result_answer,
)
from gateway.api.graphql.negotiation import Accepted, Media, accepted
from gateway.api.graphql.request import (
    Allowed,
    Asked,
    Executor,
    GraphqlRequest,
    Stage,
)
from gateway.api.graphql.sse import EventStream
from gateway.api.graphql.websocket import serve_socket
from gateway.api.middleware import note
from gateway.api.options import ApiOptions
from gateway.api.rest import json_body
from gateway.api.stopping import stopping_of
from gateway.domain.errors import (
    BodyTooLarge,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
)
from gateway.services.context import Ports

PATH: Final = "/graphql"
_MEDIA_TYPES: Final = ("application/json",)


class GraphqlRoute(BaseRoute):
    """Serves *executor* at `/graphql`.

    `page` is what a browser gets that comes without a query; None: the same as everybody.
    """

    def __init__(
        self,
        executor: Executor,
        ports: Ports,
        options: ApiOptions,
        *,
        page: Callable[[], Answer] | None = None,
    ) -> None:
        self.edge = Edge(executor, ports, options)
        self.page = page

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether the path is ours, for requests and for web sockets."""
        is_ours = scope["type"] in {"http", "websocket"} and scope["path"] == PATH
        return (Match.FULL if is_ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or keep one socket."""
        exchange = exchange_of(scope)
        exchange.route = PATH
        if scope["type"] == "websocket":
            await serve_socket(self.edge, exchange, scope, receive, send)
            return
        wishes = accepted(exchange.headers)
        answer = self._without_key(exchange, wishes, scope)
        if answer is None:
            answer = await self._serve(exchange, wishes, scope, receive, send)
        if answer is not None:
            await answer(scope, receive, send)

    def _without_key(self, exchange: Exchange, wishes: Accepted, scope: Scope) -> Answer | None:
        """Answer what needs no key."""
        if exchange.method == "OPTIONS":
            return Answer(204, media_type=b"", headers=(header(b"allow", ALLOW),))
        if self.page is None or exchange.method != "GET" or not wishes.html_first:
            return None
        names = {part.partition(b"=")[0] for part in scope["query_string"].split(b"&")}
        if names & {b"query", b"documentId"}:
            return None
        page = self.page()
        return replace(page, headers=(*page.headers, VARY))

    async def _serve(
        self, exchange: Exchange, wishes: Accepted, scope: Scope, receive: Receive, send: Send
    ) -> Answer | None:
        """Answer with GraphQL; None: a stream has been sent already."""
        try:
            request, asked = await self._understood(exchange, wishes, scope, receive)
            if wishes.media is not Media.EVENTS:
                answer = await self._executed(request, asked, exchange, wishes)
                if answer is not None:
                    return answer
            await self._stream(request, asked, exchange, scope, receive, send)
        except (BodyTooLarge, RequestTimeout, ClientDisconnect):
            raise  # As everywhere: the limits are looked at before what the body is for.
        except Exception as error:
            if exchange.status is not None:
                raise
            note(exchange, error, self.edge.options)
            return error_answer(error, exchange.request_id, wishes.of_errors)
        return None

    async def _understood(
        self, exchange: Exchange, wishes: Accepted, scope: Scope, receive: Receive
    ) -> tuple[GraphqlRequest, Asked]:
        """Return what is asked, and by whom; a stranger's body is not read.

        Raises:
            GatewayError: the first thing that is wrong.
        """
        if exchange.method not in {"GET", "POST"}:
            raise MethodNotAllowed("GraphQL takes GET and POST.")
        asked = await self.edge.asked(exchange, credential_of(exchange))
        if wishes.media is None:
            raise NotAcceptable(f"GraphQL answers {', '.join(Media)}.")
        if exchange.method == "GET":
            return request_of_query(scope["query_string"]), asked
        json_body.check_media_type(exchange.headers, _MEDIA_TYPES)
        return request_of_body(await json_body.read_body(receive)), asked

    async def _executed(
        self, request: GraphqlRequest, asked: Asked, exchange: Exchange, wishes: Accepted
    ) -> Answer | None:
        """Run a query or mutation; None: it is a subscription, and a stream is acceptable too."""
        is_read = exchange.method == "GET"
        allowed = Allowed.QUERIES if is_read else Allowed.QUERIES_AND_MUTATIONS
        result = await self.edge.executor.execute(request, asked, allowed)
        if result.stage is Stage.NOT_ALLOWED and wishes.events and not is_read:
            return None
        note_result(exchange, result)
        return result_answer(result, wishes.media or wishes.of_errors, exchange.method)

    async def _stream(
        self,
        request: GraphqlRequest,
        asked: Asked,
        exchange: Exchange,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        is_read = exchange.method == "GET"
        allowed = Allowed.QUERIES_AND_SUBSCRIPTIONS if is_read else Allowed.EVERYTHING
        with self.edge.streams.taken(asked.caller):
            results = self.edge.executor.stream(request, asked, allowed)
            stream = EventStream(self.edge, exchange, send)
            await stream.run(results, receive, stopping_of(scope))
