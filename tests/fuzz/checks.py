"""Our own checks on answers, beside those of schemathesis."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, Response

from tests.fuzz.brief import Brief, unknown

BRIEF: Final = Brief.given()
#: What the document can say about a value; one that it allows is refused for other reasons only.
OF_THE_SCHEMA: Final = {
    "bad_format",
    "missing",
    "too_long",
    "too_short",
    "unknown_field",
    "unknown_value",
    "wrong_type",
}
#: Where a schema cannot say it after all.
NOT_OF_THE_SCHEMA: Final = {
    ("/panel_id", "missing"),  # Whether it may be left out hangs on the caller's policy.
    *(("?reseller_id", "missing"), ("/reseller_id", "missing")),  # For operators only.
}
#: No bearable pattern says what a network of IPv6 is; which extra columns there are, a panel says;
#: how long a JWK Set, or the host of an origin, is as a whole, no schema says.
ELSEWHERE: Final = re.compile(r"/allowed_ips/\d+|/extra/.*|/jwks|/origins/\d+", re.DOTALL)


@schemathesis.check
def is_refused_for_what_a_schema_cannot_say(
    ctx: CheckContext, response: Response, case: Case[Any]
) -> None:
    """Keep 422 for schema-valid data to rules over several fields, times, policies and states."""
    if response.status_code != 422 or case.meta is None:
        return
    if case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    found = [it for it in response.json().get("errors", ()) if _is_of_the_schema(it)]
    assert not found, f"The document allows what is refused: {found}"


def _is_of_the_schema(fault: dict[str, str]) -> bool:
    pointer, code = fault["pointer"], fault["code"]
    if (pointer, code) in NOT_OF_THE_SCHEMA or ELSEWHERE.fullmatch(pointer):
        return False
    return code in OF_THE_SCHEMA


@schemathesis.check
class ShowsNothingOfOthers:
    """No answer holds an id or a name of the other reseller that was not in a request before."""

    def __init__(self) -> None:
        self.sent: set[str] = set()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        asked = f"{response.request.url} {response.request.headers} {response.request.body!r}"
        self.sent.update(text for text in BRIEF.secrets if text in asked)
        found = [text for text in BRIEF.secrets if text in response.text and text not in self.sent]
        assert not found, f"The answer holds what is another reseller's: {found}"


@schemathesis.check
class SucceedsOnEveryRoute:
    """A run in which all is refused proves little."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.succeeded: set[str] = set()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        self.asked.add(case.operation.label)
        if response.status_code < 300 and case.method == case.operation.method.upper():
            self.succeeded.add(case.operation.label)

    def after_run(self, ctx: CheckContext) -> None:
        never = self.asked - self.succeeded - set(BRIEF.out_of_reach)
        assert BRIEF.foreign or not never, f"Never a success: {sorted(never)}"


@schemathesis.check
class ForeignIsUnknown:
    """What is another reseller's answers as what is not there, whatever is asked of it."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.not_found: set[str] = set()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        foreign = (*BRIEF.foreign.values(), BRIEF.foreign_external_id)
        named = {name: it for name, it in case.path_parameters.items() if it and it in foreign}
        if not named or case.method == "OPTIONS":  # Which methods there are is no secret.
            return
        label = case.operation.label
        self.asked.add(label)
        told = f"{response.status_code} {response.text}"
        assert response.status_code >= 400, f"Another reseller's thing was reached: {told}"
        probe = case.derive(keep_auth=True)
        for name, value in named.items():
            probe.path_parameters[name] = unknown(value)
        other = probe.call()
        assert _neutral(response) == _neutral(other), (
            f"Foreign and unknown differ: {told} / {other.status_code} {other.text}"
        )
        if response.status_code in {403, 404}:
            self.not_found.add(label)

    def after_run(self, ctx: CheckContext) -> None:
        """Refuse a run in which a route never came so far as to look."""
        never = self.asked - self.not_found
        assert not never, f"Never answered as not found: {sorted(never)}"


def _neutral(response: Response) -> Any:
    """Return all of an answer that may tell something."""
    body: Any = response.text
    if "json" in response.headers.get("content-type", [""])[0]:
        body = {**json.loads(body), "request_id": None}
    return response.status_code, sorted(response.headers), body
