"""Our part in schemathesis' own process where it asks GraphQL: scalars, ids, and what must hold."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.graphql import nodes, scalar

from tests.fuzz.brief import Brief

BRIEF: Final = Brief.given()
#: `id: "…"` and its like in a document.
_ID: Final = re.compile(r'\b(?P<name>id|\w+Id): "[^"]*"')
_PREFIXES: Final = {"resellerId": "rsl", "panelId": "pnl", "operationId": "op"}
#: Codes of errors that are no faults of the gateway.
CODES: Final = {
    *("invalid_request", "permission_denied", "not_found", "state_conflict"),
    *("panel_unavailable", "panel_line_gated", "panel_unsupported", "panel_misconfigured"),
    *("credentials_out_of_sync", "method_not_allowed"),
}
_asked: Counter[str] = Counter()

scalar("DateTime", st.sampled_from(["2027-01-31T00:00:00Z", "soon", ""]).map(nodes.String))
scalar("Duration", st.sampled_from(["P1M", "PT24H", "P0D", "x"]).map(nodes.String))
scalar("Metadata", st.just(nodes.Object(fields=[])))
scalar("JSON", st.sampled_from([nodes.String("line.created"), nodes.List(values=[])]))
scalar("JSONObject", st.just(nodes.Object(fields=[])))


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Put ids that lead somewhere where the document has any text for one, two times of three."""
    if isinstance(case.body, str):
        case.body = _ID.sub(_aimed, case.body)


def _aimed(match: re.Match[str]) -> str:
    name = match["name"]
    _asked[name] += 1
    if _asked[name] % 3 == 0:
        return match[0]
    ids = list(BRIEF.ids.values())
    prefix = _PREFIXES.get(name)
    known = BRIEF.ids.get(prefix, "") if prefix else ids[_asked[name] % len(ids)]
    return f'{name}: "{known}"'


@schemathesis.check
def is_a_graphql_answer(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Hold every answer to its form, and its errors to codes that are nobody's bug."""
    assert response.status_code in {200, 400}, response.status_code
    payload = response.json()
    assert payload.keys() & {"data", "errors"}
    codes = {error["extensions"]["code"] for error in payload.get("errors", ())}
    assert codes <= CODES, codes - CODES
    for secret in BRIEF.secrets:
        assert secret not in response.text, "another reseller's"
