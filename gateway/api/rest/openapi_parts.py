"""What the OpenAPI document says once and refers to: tags, header parameters, response headers."""

from __future__ import annotations

from typing import Final

#: Which tag the first part of a path stands under, and what is said of it.
TAGS: Final = {
    "me": "Who you are to the gateway.",
    "lines": "Subscriber accounts on a panel.",
    "devices": "Set-top boxes on a panel, known by their MAC.",
    "bouquets": "The groups of channels that can be sold.",
    "credits": "What a reseller has left.",
    "operations": "What became of a change.",
    "drifts": "Where records and panels do not agree.",
    "events": "What happened.",
    "resellers": "Tenants; for operators.",
    "panels": "The upstream servers; for operators.",
    "keys": "Secret texts that speak for a caller.",
    "clients": "Programs that get tokens (OAuth 2).",
    "webhook-endpoints": "Where events are sent.",
    "deliveries": "What was sent to webhook endpoints.",
    "inbound-sources": "Billing systems whose events change lines and devices.",
    "trusted-documents": "GraphQL texts that may be sent by their id.",
    "audit": "Who did what.",
}

#: Request headers, by the name of their component.
PARAMETERS: Final = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key and request again give the first answer; kept for 72 hours.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag that you last read; another present version answers 412.",
        "schema": {
            "type": "string",
            "pattern": '^(?:\\*|(?:W/)?"[!#-~]*")$',
            "examples": ['"3"'],
        },
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`wait=N`: wait up to N seconds, at most 60, for the panel before answering "
        "202; `respond-async`: answer 202 at once. Anything else is ignored.",
        "schema": {"type": "string", "examples": ["wait=5", "respond-async"]},
    },
    "CacheControl": {
        "name": "Cache-Control",
        "in": "header",
        "required": False,
        "description": "`no-cache` asks the panel even if its last word is fresh.",
        "schema": {"type": "string", "examples": ["no-cache"]},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": "Yours, 1 to 128 of A-Z, a-z, 0-9, `.`, `_` and `-`; it is answered. "
        "Anything else is replaced.",
        "schema": {"type": "string", "examples": ["billing-4711"]},
    },
}


#: Response headers.
HEADERS: Final = {
    "X-Request-Id": {"description": "The request's id.", "schema": {"type": "string"}},
    "RateLimit": {
        "description": 'What is left: `"default";r=5999;t=1`, requests, and seconds until all are '
        "back. Not on answers to callers who are not known.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'The limit: `"default";q=6000;w=60`, requests in so many seconds.',
        "schema": {"type": "string"},
    },
    "ETag": {"description": "The record's version, for If-Match.", "schema": {"type": "string"}},
    "Location": {"description": "Where the answer lives.", "schema": {"type": "string"}},
    "Link": {"description": "The next page, if any.", "schema": {"type": "string"}},
    "Age": {"description": "Seconds since the panel was asked.", "schema": {"type": "integer"}},
    "Cache-Status": {
        "description": "`xtream-gateway; hit`, or `fwd=miss`, or `fwd=stale`.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true`: the answer of an earlier request with this key.",
        "schema": {"type": "string"},
    },
    "Preference-Applied": {
        "description": "What of Prefer was heeded.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {
        "description": "`Bearer`, or `DPoP` where a proof came with a token; `error` says what was "
        "wrong with what was given.",
        "schema": {"type": "string"},
    },
}
