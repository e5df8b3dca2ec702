"""GraphiQL: what a browser gets at `/graphql`. No asset comes from elsewhere.

Our own files are in `page/`, the others in `api/assets`. Each is served below its digest, so that
it may be kept for ever. The page asks for a key and keeps it in memory; see `page/start.js`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route

from gateway.api.exchange import Answer, exchange_of, header

PAGE: Final = Path(__file__).parent / "page"
_VENDORED: Final = Path(__file__).parents[1] / "assets"
_FILES: Final = (
    _VENDORED / "react" / "react.production.min.js",
    _VENDORED / "react-dom" / "react-dom.production.min.js",
    _VENDORED / "graphiql" / "graphiql.min.js",
    _VENDORED / "graphiql" / "graphiql.min.css",
    _VENDORED / "graphql-sse" / "graphql-sse.min.js",
    PAGE / "start.js",
    PAGE / "start.css",
)
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
_ROUTE: Final = "/graphql/assets/{digest}/{name}"
_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = (b"cache-control", b"no-cache")

#: The nonce is for one stylesheet that GraphiQL's dialogs insert. Fonts are inside its CSS.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HTML: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Xtream Gateway GraphQL</title>
<link rel="icon" href="data:,">
{styles}
</head>
<body>
<header>
<strong>Xtream Gateway</strong>
<label for="key">API key</label>
<input id="key" type="password" placeholder="paste a key" autocomplete="one-time-code"
 autocapitalize="off" spellcheck="false">
<p id="status" role="status">Paste an API key to load the schema. It stays in this tab.</p>
<nav><a href="/docs">REST</a> <a href="/graphql/schema.graphql">SDL</a></nav>
</header>
<main id="graphiql"><noscript>GraphiQL needs JavaScript.</noscript></main>
<template id="examples">{examples}</template>
{scripts}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class _Asset:
    path: Path
    digest: str

    @property
    def url(self) -> str:
        return _ROUTE.format(digest=self.digest, name=self.path.name)


def graphiql_answer() -> Answer:
    """Return the page, for GET /graphql from a browser without a query. It needs no key."""
    nonce = secrets.token_urlsafe(16)
    policy = header(b"content-security-policy", _POLICY.format(nonce=nonce))
    body = _page().replace("{nonce}", nonce).encode()
    return Answer(200, body, b"text/html; charset=utf-8", (policy, _REVALIDATE))


def graphiql_routes() -> list[BaseRoute]:
    """Return the routes of the page's scripts and styles; none needs a key."""
    return [Route(_ROUTE, _asset)]


async def _asset(request: Request) -> FileResponse:
    exchange_of(request.scope).route = _ROUTE
    asset = _assets().get(request.path_params["name"])
    if asset is None or asset.digest != request.path_params["digest"]:
        raise HTTPException(404)
    return FileResponse(
        asset.path,
        media_type=_MEDIA_TYPES[asset.path.suffix],
        headers={"cache-control": _FOREVER},
    )


@cache
def _assets() -> Mapping[str, _Asset]:
    """Return the files by name; read once, when first asked for."""
    return {
        path.name: _Asset(path, hashlib.sha256(path.read_bytes()).hexdigest()[:32])
        for path in _FILES
    }


@cache
def _page() -> str:
    """Return the page with `{nonce}` still to be filled in."""
    assets = _assets().values()
    styles = (f'<link rel="stylesheet" href="{it.url}">' for it in assets if _is_style(it))
    scripts = (
        f'<script src="{it.url}" nonce="{{nonce}}"></script>' for it in assets if not _is_style(it)
    )
    return _HTML.format(
        styles="\n".join(styles),
        scripts="\n".join(scripts),
        examples=escape((PAGE / "examples.graphql").read_text(encoding="utf-8")),
    )


def _is_style(asset: _Asset) -> bool:
    return asset.path.suffix == ".css"
