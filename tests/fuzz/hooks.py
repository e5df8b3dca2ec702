"""Our part in schemathesis' own process: which cases are sent, and what at."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from typing import Any, Final

import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response

from tests.fuzz import checks
from tests.fuzz.aim import ID, Aim
from tests.fuzz.brief import Brief

__all__ = ["checks"]  # Registered by being imported.

ETAG: Final = re.compile(r'\*|(?:W/)?"[!#-~]*"')
IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
#: After these a thing is of no more use to other requests, so they get a spare one.
ENDING: Final = {
    "DELETE /v1/clients/{client_id}",
    "DELETE /v1/inbound-sources/{source_id}",
    "DELETE /v1/keys/{key_id}",
    "DELETE /v1/webhook-endpoints/{endpoint_id}",
    "PATCH /v1/panels/{panel_id}",
    "PATCH /v1/resellers/{reseller_id}",
    "POST /v1/devices/{device_id}/terminate",
    "POST /v1/lines/{line_id}/terminate",
    "POST /v1/resellers/{reseller_id}/suspend",
}
CREATING: Final = {
    "POST /v1/devices",
    "POST /v1/lines",
    "PUT /v1/devices/by-external-id/{external_id}",
    "PUT /v1/lines/by-external-id/{external_id}",
}
ARRAY_LENGTH_MAX: Final = 10  # For short runs.
BRIEF: Final = Brief.given()

_shown: set[str] = set()
_succeeded: set[str] = set()
_counts: Counter[str] = Counter()
_modes: dict[str, GenerationMode] = {}


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Leave the ends of long arrays to long runs: filling one takes as long as all other cases."""
    if BRIEF.keep_one_in > 1:
        _forget_long_arrays(raw_schema)


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Thin the systematic cases out; they are the same in each run."""
    if not _is_systematic(case):
        return True
    label = case.operation.label
    _counts[label] += 1
    return (_counts[label] + zlib.crc32(label.encode()) + BRIEF.first) % BRIEF.keep_one_in == 0


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Aim the request; what schemathesis thinks of it is put back afterwards."""
    aim = _aim(case)
    if case.meta is not None:
        _modes[case.id] = case.meta.generation.mode
    _mend_if_match(case)
    if aim.mostly("let through"):
        _let_through(case, aim)
    for name, value in case.path_parameters.items():
        case.path_parameters[name] = aim.at_path(name, value)
    for name, value in case.query.items():
        case.query[name] = aim.within(value)
    body = _body(case, aim)
    if body != case.body:  # Setting it has the case judged anew.
        case.body = body


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Note which routes work, and which ids are known: these are left as they are."""
    if case.meta is not None and case.id in _modes:
        case.meta.generation.mode = _modes.pop(case.id)
    if response.status_code < 300:
        _succeeded.add(case.operation.label)
        _shown.update(match[0] for match in ID.finditer(response.text))


def _aim(case: Case[Any]) -> Aim:
    headers = {name: it for name, it in case.headers.items() if name != "Authorization"}
    parts = (case.operation.label, case.path_parameters, case.query, headers, case.body)
    return Aim(
        brief=BRIEF,
        text=repr(parts),
        is_valid=case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE,
        ends=case.operation.label in ENDING,
        must_hit=case.operation.label not in _succeeded,
        shown=_shown,
    )


def _body(case: Case[Any], aim: Aim) -> Any:
    body, label = aim.within(case.body), case.operation.label
    if not isinstance(body, dict) or not aim.is_valid or not aim.mostly("body"):
        return body
    if label.endswith("/lookup"):
        return {name: BRIEF.looked_up_by.get(name, it) for name, it in body.items()}
    if label in CREATING:
        own_name = case.path_parameters.get("external_id") == BRIEF.external_id
        return aim.sensible(body, own_name=own_name)
    return body


def _let_through(case: Case[Any], aim: Aim) -> None:
    """Give a change a key of its own and any version: the few that come by chance bar its way."""
    if IDEMPOTENCY_KEY.fullmatch(case.headers.get("Idempotency-Key") or ""):
        case.headers["Idempotency-Key"] = f"own-{aim.number('key')}"
    if ETAG.fullmatch(case.headers.get("If-Match") or ""):
        case.headers["If-Match"] = "*"


def _mend_if_match(case: Case[Any]) -> None:
    """Put a valid If-Match where an invalid one stands by mistake.

    The systematic cases cannot write a text with quotes into a header, and take the first invalid
    value for an ordinary one instead.
    """
    given = case.headers.get("If-Match")
    if given is None or ETAG.fullmatch(given) or not _is_systematic(case):
        return
    if getattr(case.meta and case.meta.phase.data, "parameter", None) != "If-Match":
        case.headers["If-Match"] = "*"


def _is_systematic(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.phase.name.value == "coverage"


def _forget_long_arrays(part: Any) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("maxItems"), int) and part["maxItems"] > ARRAY_LENGTH_MAX:
            del part["maxItems"]
        for inner in part.values():
            _forget_long_arrays(inner)
    elif isinstance(part, list):
        for inner in part:
            _forget_long_arrays(inner)
