"""The table of routes -> an OpenAPI 3.1 document. What serves requests is what is described."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Final

from gateway import __version__
from gateway.api.oauth.paths import TOKEN_PATH
from gateway.api.problems import MEDIA_TYPE, members
from gateway.api.rest.dry_run import DryRunOut
from gateway.api.rest.openapi_parts import HEADERS, PARAMETERS, TAGS
from gateway.api.rest.openapi_schemas import SCHEMAS, schemas_of
from gateway.api.rest.operations import OperationOut
from gateway.api.rest.routing import Route, Shape
from gateway.domain import errors
from gateway.domain.caller import Permission
from gateway.domain.ids import ALPHABET, BODY_LENGTH, IdKind

_PROBLEM: Final = MEDIA_TYPE.decode()
_DRY_RUN: Final = {"$ref": SCHEMAS + DryRunOut.__name__}

#: Names in the code that say too little outside.
_PUBLIC_NAMES: Final = {"State": "LineState"}

#: On every answer to a known caller.
_ALWAYS: Final = ("X-Request-Id", "RateLimit", "RateLimit-Policy")

_EVERYWHERE: Final = (
    errors.Unauthenticated,
    errors.RateLimited,
    errors.NotAcceptable,
    errors.InvalidRequest,
    errors.ServiceUnavailable,
    errors.InternalError,
)


def openapi(table: Iterable[Route]) -> dict[str, Any]:
    """Return the document of *table*."""
    routes = tuple(table)
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Xtream Gateway",
            "version": __version__,
            "description": "Lines and devices on Xtream-style panels: scoped, audited, safe to "
            "retry.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"oauth2": []}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas_of(routes),
            "examples": {
                error.code: {"summary": _first_line(error), "value": _example_problem(error)}
                for route in routes
                for error in problems_of(route)
            },
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "responses": _failure_responses(routes),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, which begins with `xgw_`, or an access token.",
                },
                "oauth2": {
                    "type": "oauth2",
                    "description": "Access tokens for clients. The endpoints answer errors as RFC "
                    "6749 has them; `/.well-known/oauth-authorization-server` tells the rest.",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": TOKEN_PATH,
                            "scopes": {
                                each.value: f"The permission `{each}`." for each in Permission
                            },
                        }
                    },
                },
            },
        },
    }
    published: dict[str, Any] = _published(document)
    return published


def problems_of(route: Route) -> tuple[type[errors.GatewayError], ...]:
    """Return every error that *route* may answer, each once."""
    found: list[type[errors.GatewayError]] = [*_EVERYWHERE, *route.raises]
    if route.needs is not None:
        found.append(errors.PermissionDenied)
    if route.ids or route.texts:
        found.append(errors.NotFound)
    if route.is_versioned:
        found.append(errors.VersionMismatch)
    if route.is_write:
        found += [errors.IdempotencyInProgress, errors.IdempotencyKeyReused]
    if route.body is not None:
        found += [errors.MalformedBody, errors.UnsupportedMediaType, errors.BodyTooLarge]
        found.append(errors.RequestTimeout)
    return tuple(dict.fromkeys(found))


def _operation(route: Route) -> dict[str, Any]:
    summary, _, rest = inspect.cleandoc(route.endpoint.__doc__ or "").partition("\n")
    needs = f"Needs the permission `{route.needs}`." if route.needs else "Needs no permission."
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.path.split("/")[2]],
        "summary": summary,
        "description": f"{rest.strip()}\n\n{needs}".strip(),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_shared(route)],
        "responses": {**_successes(route), **_failures(route)},
    }
    if route.takes_body and route.body is not None:
        schema = {"$ref": SCHEMAS + route.body.__name__}
        described["requestBody"] = {
            "required": route.needs_body,
            "content": {media_type: {"schema": schema} for media_type in route.media_types},
        }
    return described


# --- parameters ----------------------------------------------------------------------------------


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = {
        name: {"examples": [_example_id(kind)]} for name, kind in route.ids.items()
    }
    schemas |= {name: {"pattern": pattern} for name, pattern in route.texts.items()}
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", **schema}}
        for name, schema in schemas.items()
    ]


def _example_id(kind: IdKind) -> str:
    return f"{kind}_{ALPHABET[:BODY_LENGTH]}"


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(ref_template=SCHEMAS + "{model}")
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            **({"description": about} if (about := field.pop("description", "")) else {}),
            "schema": _without_null(field),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent or has a value; null is how the model says absent."""
    schema = {key: value for key, value in schema.items() if key != "title"}
    if schema.get("default", ...) is None:
        del schema["default"]
    options = [option for option in schema.pop("anyOf", []) if option != {"type": "null"}]
    return schema | options[0] if options else schema


def _shared(route: Route) -> list[dict[str, Any]]:
    names = ["RequestId"]
    if route.is_write:
        names.append("IdempotencyKey")
    if route.is_versioned:
        names.append("IfMatch")
    if route.may_stay_open:
        names.append("Prefer")
    if route.shape is Shape.OBSERVED:
        names.append("CacheControl")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


# --- responses -----------------------------------------------------------------------------------


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_ALWAYS, *names)}


def _successes(route: Route) -> dict[str, Any]:
    found = {str(route.status): _success(route, route.status)}
    if route.may_create:
        found["201"] = _success(route, 201)
    if route.may_stay_open:
        found["202"] = {
            "description": "Not final yet: follow the operation.",
            "headers": _headers("Location", "Idempotent-Replayed", "Preference-Applied"),
            "content": _json({"$ref": SCHEMAS + OperationOut.__name__}),
        }
    if route.takes_dry_run and "200" not in found:
        found["200"] = {
            "description": "What would happen; only with `dry_run=true`.",
            "headers": _headers(),
            "content": _json(_DRY_RUN),
        }
    return found


def _success(route: Route, status: int) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "Done.", "headers": _headers("Idempotent-Replayed")}
    schema: dict[str, Any] = {"$ref": SCHEMAS + route.answer.__name__}
    names = ["ETag"] if "version" in route.answer.__struct_fields__ else []
    match route.shape:
        case Shape.PAGE:
            names = ["Link"]
            schema = {
                "type": "object",
                "required": ["data", "next_cursor"],
                "properties": {
                    "data": {"type": "array", "items": schema},
                    "next_cursor": {"type": ["string", "null"]},
                },
            }
        case Shape.OBSERVED:
            names += ["Age", "Cache-Status"]
        case Shape.CHANGE:
            names += ["Location"] if status == 201 else []
            names += ["Idempotent-Replayed"]
            names += ["Preference-Applied"] if route.may_stay_open else []
            schema = {"oneOf": [schema, _DRY_RUN]} if status == 200 else schema
    return {
        "description": "Created." if status == 201 else "Done.",
        "headers": _headers(*names),
        "content": _json(schema),
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _by_status(route: Route) -> dict[int, list[type[errors.GatewayError]]]:
    found: dict[int, list[type[errors.GatewayError]]] = {}
    for error in sorted(problems_of(route), key=lambda error: (error.status, error.code)):
        found.setdefault(error.status, []).append(error)
    return found


def _name_of(found: list[type[errors.GatewayError]]) -> str:
    return "-or-".join(error.code for error in found)


def _failures(route: Route) -> dict[str, Any]:
    return {
        str(status): {"$ref": f"#/components/responses/{_name_of(found)}"}
        for status, found in _by_status(route).items()
    }


def _failure_responses(routes: tuple[Route, ...]) -> dict[str, Any]:
    """Return each set of problems of one status that occurs, once."""
    return {
        _name_of(found): _failure(status, found)
        for route in routes
        for status, found in _by_status(route).items()
    }


def _failure(status: int, found: list[type[errors.GatewayError]]) -> dict[str, Any]:
    names = ["Retry-After"] if status in {409, 429, 503} else []
    names += ["WWW-Authenticate"] if status == 401 else []
    return {
        "description": ", ".join(f"`{error.code}`" for error in found),
        "headers": _headers(*names),
        "content": {
            _PROBLEM: {
                "schema": {"$ref": SCHEMAS + "Problem"},
                "examples": {
                    error.code: {"$ref": f"#/components/examples/{error.code}"} for error in found
                },
            }
        },
    }


def _first_line(error: type[errors.GatewayError]) -> str:
    return inspect.cleandoc(error.__doc__ or "").splitlines()[0]


def _example_problem(error: type[errors.GatewayError]) -> dict[str, Any]:
    shown = members(error.code, error.status, _first_line(error))
    return {**shown, "request_id": "req_0123456789abcdef0123456789abcdef"}


def _published(document: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """Return the document with public names: `LineOut` is `Line` to those outside."""
    match document:
        case dict():
            return {_public(name): _published(value) for name, value in document.items()}
        case list():
            return [_published(value) for value in document]
        case str() if document.startswith(SCHEMAS):
            return SCHEMAS + _public(document.removeprefix(SCHEMAS))
        case _:
            return document


def _public(name: str) -> str:
    return _PUBLIC_NAMES.get(name, name).removesuffix("Out")
