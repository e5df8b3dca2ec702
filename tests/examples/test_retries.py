"""How the module tries again, told by what reaches a server that answers as it is told."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.api.server import open_socket, serving
from tests.examples.conftest import BILLING
from tests.servers.programs import run_program

LINE = {"id": "line_1", "state": "active", "username": "anna", "password": "made"}


@dataclass
class Script:
    """The answers to come, the last one for ever, and the keys that came with the requests."""

    php: Path
    url: str = ""
    answers: list[Response] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer xgw_test"
        if request.method == "GET":  # The service has had no line yet.
            return JSONResponse({"data": [], "next_cursor": None})
        self.keys.append(request.headers["idempotency-key"])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def create(self, *, patience: int = 60) -> dict[str, Any]:
        """Order a line for invoice 99 of service 4711."""
        words = ("createAccount", "4711", "99", '{"period": "P1M"}')
        own = {"XGW_URL": self.url, "XGW_KEY": "xgw_test", "PATIENCE_SECONDS": str(patience)}
        command = (str(self.php), "try.php", *words)
        done = await run_program(*command, cwd=BILLING, environment=os.environ | own)
        assert done.complaints == ""
        found: dict[str, Any] = json.loads(done.output)
        return found


@pytest.fixture
async def script(php: Path) -> AsyncIterator[Script]:
    made = Script(php)
    app = Starlette(routes=[Route("/v1/lines", made.answer, methods=["GET", "POST"])])
    listener = open_socket("127.0.0.1:0")
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serving([(app, listener)], drain_seconds=1):
        yield made


def problem(status: int, code: str, **headers: str) -> Response:
    body = {"code": code, "status": status, "detail": "Told by the test."}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(body, status, given, media_type="application/problem+json")


async def test_what_may_pass_is_sent_again_under_the_same_key(script: Script) -> None:
    script.answers = [
        problem(503, "service_unavailable", retry_after="1"),
        Response("<h1>Bad gateway</h1>", 502, media_type="text/html"),
        problem(409, "idempotency_in_progress", retry_after="1"),
        JSONResponse(LINE, 201),
    ]
    outcome = await script.create()
    assert (outcome["state"], outcome["password"]) == ("done", "made")
    assert script.keys == ["whmcs:service-4711:create:invoice-99"] * 4


async def test_it_gives_up_after_so_many_tries(script: Script) -> None:
    script.answers = [problem(500, "internal_error")]
    outcome = await script.create()
    assert (outcome["code"], outcome["retryable"]) == ("internal_error", True)
    assert len(script.keys) == 5


async def test_it_does_not_wait_longer_than_its_patience(script: Script) -> None:
    script.answers = [problem(429, "rate_limited", retry_after="3600")]
    outcome = await script.create()
    assert (outcome["code"], outcome["retryable"]) == ("rate_limited", True)
    assert outcome["retryAfterSeconds"] == 3600
    assert len(script.keys) == 1


@pytest.mark.parametrize(
    "answer",
    [
        problem(422, "invalid_request"),
        problem(403, "quota_exceeded"),
        problem(409, "username_taken"),
        Response(status_code=302, headers={"Location": "https://elsewhere.example/"}),
    ],
    ids=lambda answer: str(answer.status_code),
)
async def test_a_refusal_is_taken_at_its_word(script: Script, answer: Response) -> None:
    script.answers = [answer]
    outcome = await script.create()
    assert (outcome["state"], outcome["retryable"]) == ("failed", False)
    assert len(script.keys) == 1


async def test_kept_refusals_are_passed_over_and_not_for_ever(script: Script) -> None:
    kept = problem(422, "panel_refused_values", idempotent_replayed="true")
    script.answers = [kept, kept, problem(502, "panel_misconfigured")]
    outcome = await script.create()
    assert (outcome["code"], outcome["retryable"]) == ("panel_misconfigured", True)
    first = "whmcs:service-4711:create:invoice-99"
    assert script.keys == [first, f"{first}:2", f"{first}:3"]
    script.answers, script.keys = [kept], []
    outcome = await script.create()
    assert (outcome["code"], outcome["retryable"]) == ("panel_refused_values", False)
    assert len(script.keys) == 20


async def test_a_server_that_does_not_answer_is_given_up(script: Script) -> None:
    script.url = "http://127.0.0.1:9"
    outcome = await script.create(patience=2)
    assert (outcome["code"], outcome["retryable"]) == ("no_answer", True)
