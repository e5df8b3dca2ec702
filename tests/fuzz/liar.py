"""A small API that is not always what its document says: a fuzzer must find each lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

KEYS: Final = {"a": "key-of-a", "b": "key-of-b"}
THING_OF_A: Final = "item_" + "a1" * 13
SECRET_OF_A: Final = "only-a-may-read-this"
NOT_FOUND: Final = (404, {"code": "not_found"})
PATH: Final = "/things/{thing_id}"


class Lie(StrEnum):
    """What is wrong with the API."""

    ANY_KEY = "any key will do"
    CRASHES = "an error of its own for what is unknown"
    REFUSES = "a body that is allowed is refused"
    SHOWS_ALL = "what is another's is shown"
    TAKES_ALL = "any body is taken"
    TELLS_FOREIGN = "what is another's is refused otherwise than what is unknown"
    UNKNOWN_STATUS = "a status that is not in the document"
    WRONG_TYPE = "a number where a text was promised"


Lies = frozenset[Lie]


def document(base_url: str) -> dict[str, Any]:
    """Return what the API should be."""
    problem = {"type": "object", "required": ["code"]}
    problems = {
        status: {"description": status, "content": {"application/json": {"schema": problem}}}
        for status in ("401", "404", "405", "422")
    }
    thing = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 20}},
    }
    body = {"content": {"application/json": {"schema": thing}}}
    done = {"200": {"description": "The thing.", **body}, **problems}
    named = {
        "name": "thing_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^item_[0-9a-z]{26}$"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Liar", "version": "1"},
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}],
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            PATH: {
                "parameters": [named],
                "get": {"operationId": "get_thing", "responses": done},
                "post": {
                    "operationId": "change_thing",
                    "requestBody": {"required": True, **body},
                    "responses": done,
                },
            }
        },
    }


@contextmanager
def lying(lies: Lies) -> Iterator[str]:
    """Serve the API on a free port and return its URL."""

    class Handler(BaseHTTPRequestHandler):
        """Answers every method by `answer`."""

        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/openapi.json":
                status, body = 200, document(f"http://127.0.0.1:{self.server.server_port}")  # type: ignore[attr-defined]
            else:
                key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                status, body = answer(lies, self.command, self.path, key, content)
            told = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            if status == 405:
                self.send_header("Allow", "GET, POST")
            self.end_headers()
            self.wfile.write(told)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(
    lies: Lies, method: str, path: str, key: str, content: bytes
) -> tuple[int, dict[str, Any]]:
    """Answer one request, with the lies that are to be told."""
    if key not in KEYS.values() and Lie.ANY_KEY not in lies:
        return 401, {"code": "unauthenticated"}
    if method not in {"GET", "POST"}:
        return 405, {"code": "method_not_allowed"}
    if method == "POST" and not is_taken(lies, content):
        return 422, {"code": "invalid_request", "errors": [{"pointer": "", "code": "bad_format"}]}
    if path.partition("?")[0] != f"/things/{THING_OF_A}":
        return (500, {"code": "internal_error"}) if Lie.CRASHES in lies else NOT_FOUND
    if key == KEYS["b"] and Lie.SHOWS_ALL not in lies:
        return (404, {"code": "not_yours"}) if Lie.TELLS_FOREIGN in lies else NOT_FOUND
    name = 1 if Lie.WRONG_TYPE in lies else SECRET_OF_A
    return (418 if Lie.UNKNOWN_STATUS in lies and method == "GET" else 200), {"name": name}


def is_taken(lies: Lies, content: bytes) -> bool:
    """Tell whether a change goes on with this body."""
    if Lie.TAKES_ALL in lies or Lie.REFUSES in lies:
        return Lie.TAKES_ALL in lies
    return is_allowed(content)


def is_allowed(content: bytes) -> bool:
    """Tell whether a body is as the document says."""
    try:
        body = json.loads(content)
    except ValueError:
        return False
    if not isinstance(body, dict) or set(body) != {"name"} or not isinstance(body["name"], str):
        return False
    return 1 <= len(body["name"]) <= 20
