"""Errors as callers see them, and the published table of them."""

from __future__ import annotations

import json
import re

import pytest
from starlette.exceptions import HTTPException

from gateway.api.problems import (
    describe,
    error_classes,
    problem_answer,
    problem_markdown,
    problem_table,
)
from gateway.domain.errors import (
    Challenge,
    Fault,
    FieldNotAllowed,
    GatewayError,
    IdempotencyInProgress,
    PanelOutcomeUnknown,
    Unauthenticated,
    UsernameTaken,
)


def test_a_problem_has_the_members_of_the_contract() -> None:
    error = FieldNotAllowed(
        "Only operators may set this.",
        faults=(Fault("/member_id", "field_not_allowed", "Only operators may set this."),),
        operation_id="op_1",
    )
    assert describe(error, "req_1") == {
        "type": "urn:xtream-gateway:problem:field_not_allowed",
        "title": "Field not allowed",
        "status": 403,
        "detail": "Only operators may set this.",
        "code": "field_not_allowed",
        "request_id": "req_1",
        "operation_id": "op_1",
        "errors": [
            {
                "pointer": "/member_id",
                "code": "field_not_allowed",
                "detail": "Only operators may set this.",
            }
        ],
    }


def test_without_faults_and_operation_there_are_no_such_members() -> None:
    assert set(describe(UsernameTaken("Taken."), "req_1")) == {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
    }


@pytest.mark.parametrize("error", [KeyError("hunter2"), RuntimeError("hunter2"), RecursionError()])
def test_anything_unknown_is_masked(error: Exception) -> None:
    problem = describe(error, "req_1")
    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not_found"), (405, "method_not_allowed"), (413, "body_too_large"), (401, "not_found")],
)
def test_the_frameworks_own_errors_are_ours(status: int, code: str) -> None:
    assert describe(HTTPException(status, "Framework's words"), "req_1")["code"] == code


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (UsernameTaken("Taken."), {}),
        (Unauthenticated("No key."), {b"www-authenticate": b"Bearer"}),
        (
            Unauthenticated("Bad key.", challenge=Challenge.ANOTHER_CREDENTIAL),
            {b"www-authenticate": b'Bearer error="invalid_token"'},
        ),
        (IdempotencyInProgress("Running."), {b"retry-after": b"1"}),
        (PanelOutcomeUnknown("Sent.", retry_after_seconds=300), {b"retry-after": b"300"}),
        (HTTPException(405, headers={"Allow": "GET"}), {b"allow": b"GET"}),
    ],
)
def test_headers_say_what_to_do(error: Exception, headers: dict[bytes, bytes]) -> None:
    assert dict(problem_answer(error, "req_1").headers) == headers


CONTRACT = {
    "invalid_request": 422, "malformed_body": 400, "unsupported_media_type": 415,
    "body_too_large": 413, "method_not_allowed": 405, "not_acceptable": 406,
    "request_timeout": 408, "uri_too_long": 414, "headers_too_large": 431, "rate_limited": 429,
    "unauthenticated": 401, "permission_denied": 403, "not_found": 404,
    "username_taken": 409, "mac_taken": 409, "external_id_taken": 409, "state_conflict": 409,
    "version_mismatch": 412, "quota_exceeded": 403, "bouquet_not_allowed": 403,
    "field_not_allowed": 403, "idempotency_in_progress": 409, "idempotency_key_reused": 422,
    "panel_refused_values": 422, "panel_misconfigured": 502, "panel_unavailable": 503,
    "panel_line_gated": 409, "panel_unsupported": 501, "outcome_unknown": 504,
    "credentials_out_of_sync": 409, "service_unavailable": 503, "internal_error": 500,
}  # fmt: skip


def test_every_code_has_the_status_of_the_contract() -> None:
    assert {row["code"]: row["status"] for row in problem_table()} == CONTRACT


@pytest.mark.parametrize("error", list(error_classes()), ids=lambda error: error.__name__)
def test_every_error_says_when_it_happens_and_what_to_do(error: type[GatewayError]) -> None:
    assert error.__doc__
    assert re.fullmatch(r"[A-Z].*\.", error.todo)
    assert re.fullmatch(r"[a-z_]+", error.code)


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in error_classes()]
    assert len(codes) == len(set(codes))


def test_the_table_is_plain_data_and_plain_text() -> None:
    assert json.loads(json.dumps(problem_table())) == problem_table()
    lines = problem_markdown().splitlines()
    assert lines[0] == "| code | status | when | what to do |"
    assert len(lines) == 2 + len(CONTRACT)
    assert all(line.count("|") == 5 for line in lines)
