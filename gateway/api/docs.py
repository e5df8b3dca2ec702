"""`/docs`, `/openapi.json` and `/`: what people read. No asset comes from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from gateway import __version__
from gateway.api.exchange import Answer, RawHeaders, exchange_of, header

ASSETS: Final = Path(__file__).parent / "assets" / "swagger-ui"
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
_ASSET_NAME: Final = re.compile(r"[a-z][a-z-]*\.(?:js|css)")

#: Scripts and styles are files of ours; nothing inline, nothing from elsewhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = (b"cache-control", b"no-cache")

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Xtream Gateway API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css?v={__version__}">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js?v={__version__}"></script>
<script src="/docs/start.js?v={__version__}"></script>
</body>
</html>
""".encode()

_START: Final = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
});
"""

_INDEX: Final = msgspec.json.encode(
    {
        "name": "Xtream Gateway",
        "version": __version__,
        "links": {
            "docs": "/docs",
            "openapi": "/openapi.json",
            "graphql": "/graphql",
            "sdl": "/graphql/schema.graphql",
            "me": "/v1/me",
            "live": "/livez",
            "ready": "/readyz",
        },
    }
)


def docs_routes(
    make_document: Callable[[], str], make_sdl: Callable[[], str] | None = None
) -> list[Route]:
    """Return the routes; none needs a key. What they publish is made once, when first asked for.

    *make_sdl* None: there is no GraphQL.
    """
    routes = [
        Route("/", _index),
        _published("/openapi.json", make_document, b"application/json"),
        Route("/docs", _page),
        Route("/docs/start.js", _start),
        Route("/docs/assets/{name}", _asset),
    ]
    if make_sdl is not None:
        sdl = b"text/plain; charset=utf-8"
        routes.append(_published("/graphql/schema.graphql", make_sdl, sdl))
    return routes


def _published(path: str, make: Callable[[], str], media_type: bytes) -> Route:
    """Return the route of a contract, which is asked for again by its tag."""

    @cache
    def document() -> tuple[bytes, str]:
        body = make().encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    async def serve(request: Request) -> Answer:
        body, tag = document()
        headers = (header(b"etag", tag), _REVALIDATE)
        given = exchange_of(request.scope).headers.get(b"if-none-match", ())
        if tag.encode() in given:
            return Answer(304, media_type=b"", headers=headers)
        return _answer(request, path, body, media_type, headers)

    return Route(path, serve)


async def _index(request: Request) -> Answer:
    return _answer(request, "/", _INDEX, b"application/json")


async def _page(request: Request) -> Answer:
    policy = header(b"content-security-policy", _POLICY)
    return _answer(request, "/docs", _PAGE, b"text/html; charset=utf-8", (policy, _REVALIDATE))


async def _start(request: Request) -> Answer:
    headers = (header(b"cache-control", _FOREVER),)
    return _answer(request, "/docs/start.js", _START, b"text/javascript; charset=utf-8", headers)


async def _asset(request: Request) -> FileResponse:
    exchange_of(request.scope).route = "/docs/assets/{name}"
    name = request.path_params["name"]
    path = ASSETS / name
    if not _ASSET_NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(404)
    return FileResponse(
        path, media_type=_MEDIA_TYPES[path.suffix], headers={"cache-control": _FOREVER}
    )


def _answer(
    request: Request, route: str, body: bytes, media_type: bytes, headers: RawHeaders = ()
) -> Answer:
    exchange_of(request.scope).route = route
    return Answer(200, body, media_type, headers)
