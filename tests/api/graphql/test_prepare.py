"""What good clients send passes; each limit lets its number pass and refuses one more."""

from __future__ import annotations

import pytest
from graphql import OperationType, get_introspection_query

from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.prepare import REFUSALS_BYTES_MAX, Preparer
from gateway.api.graphql.refusals import DocumentRefused, Phase
from tests.api.graphql.shop import SCHEMA, a_preparer, prepare

LINE = 'line(id:"1")'
LINES_PAGE = """
# What a shop's front page asks.
query Lines($first: Int = 50, $after: String, $withInfo: Boolean! = false) {
  lines(first: $first, after: $after, where: { allOf: [{ username: "a" }, { ids: [1, 2] }] }) {
    pageInfo { hasNextPage endCursor }
    edges {
      cursor
      node { ...LineCard ...LineInfo @include(if: $withInfo) }
    }
  }
}
fragment LineCard on Line { __typename id username note tags { id name } }
fragment LineInfo on Line { id info { activeConnections bouquets { id name } } }
"""
RENEW = """
mutation Renew($id: ID!, $days: Int!) {
  renewLine(id: $id, term: { days: $days }) {
    __typename
    ... on RenewLineSuccess { line { id username info { activeConnections } } }
    ... on Problem { code detail }
    ... on PanelUnavailableProblem { retryAfter }
  }
}
"""
NODE = """
query Node($id: ID!) {
  node(id: $id) {
    id
    ... on Line { username operations(first: 10) { nodes { id state } } }
    ... on Device { mac }
    ... on Operation { state resource { ... on Line { username } ... on Device { mac } } }
  }
}
"""
#: What GraphiQL, code generators and others ask: all options of the standard query.
INTROSPECTION = [
    get_introspection_query(),
    get_introspection_query(descriptions=False),
    get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    ),
]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (LINES_PAGE, {}),
        (LINES_PAGE, {"first": 20, "after": "c", "withInfo": True}),
        (RENEW, {"id": "line_1", "days": 30}),
        (NODE, {"id": "line_1"}),
        ("{__typename}", {}),
        ("query($t:Term!){until(term:$t)}", {"t": {"days": 1}}),
        ("fragment F on Query{until(term:{days:$n})}query Q($n:Int!){...F}", {"n": 1}),
        ("{" + "".join(f"a{i}:{LINE}{{username}}" for i in range(20)) + "}", {"unused": 1}),
        ("\ufeff{lines(first:1){nodes{id}}}", {}),
        (f"{{{LINE}{{username}}}} # \U0001f600", {}),
    ],
)
def test_what_good_clients_send_passes_without_reading_the_schema(
    text: str, variables: dict[str, object]
) -> None:
    prepared = prepare(text, variables=variables)
    assert prepared.text == text
    assert prepared.variables == variables


@pytest.mark.parametrize("text", INTROSPECTION)
def test_the_usual_introspection_queries_pass_for_those_who_may(text: str) -> None:
    assert prepare(text, may_introspect=True).cost.panel_calls == 0
    with pytest.raises(DocumentRefused, match="permission graphql:introspect") as refused:
        prepare(text, may_introspect=False)
    assert refused.value.errors[0].extensions == {"code": "permission_denied"}


def test_the_same_text_is_allowed_to_one_and_denied_to_the_other_in_any_order() -> None:
    preparer = a_preparer()
    for may_introspect in (True, False, True, False):
        if may_introspect:
            assert prepare(INTROSPECTION[0], preparer, may_introspect=True).cost.points
        else:
            with pytest.raises(DocumentRefused):
                prepare(INTROSPECTION[0], preparer, may_introspect=False)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (f"{{{LINE}{{usernam}}}}", {}),
        (f"{{{LINE}{{...on Lime{{id}}}}}}", {}),
        ("{lines(frst:1){nodes{id}}}", {}),
        ("query($w:Filter){lines(where:$w){nodes{id}}}", {"w": {"usernam": "a"}}),
    ],
)
def test_names_are_suggested_only_to_those_who_may_read_the_schema(
    text: str, variables: dict[str, object]
) -> None:
    messages = []
    for may_introspect in (True, False):
        with pytest.raises(DocumentRefused) as refused:
            prepare(text, variables=variables, may_introspect=may_introspect)
        messages.append(" ".join(error.message for error in refused.value.errors))
    assert "Did you mean" in messages[0]
    assert "Did you mean" not in messages[1]


FLAT = f"{{{LINE}{{id username}}}}"


@pytest.mark.parametrize(
    ("limit", "most", "text", "variables"),
    [
        ("bytes_max", len(FLAT), FLAT, {}),
        ("bytes_max", len(FLAT) + 5, FLAT + "#\U0001f600", {}),
        ("tokens_max", 12, FLAT, {}),
        ("comments_max", 3, FLAT + "#\n#\n#\n", {}),
        ("definitions_max", 2, f"{{{LINE}{{...F}}}}fragment F on Line{{id}}", {}),
        ("variables_max", 2, "query($a:Int$b:ID!){line(id:$b){id}lines(first:$a){nodes{id}}}",
         {"b": "1"}),
        ("depth_max", 4, f"{{{LINE}{{...F}}}}fragment F on Line{{twin{{twin{{id}}}}}}", {}),
        ("selections_max", 6, f"{{{LINE}{{...F ...{{id}}}}}}fragment F on Line{{id note}}", {}),
        ("aliases_max", 2, f"{{a:{LINE}{{b:id id}}}}", {}),
        ("root_fields_max", 2, f"{{{LINE}{{id}}...{{lines{{nodes{{id}}}}}}}}", {}),
        ("directives_max", 2, f"{{{LINE}@skip(if:false){{id@skip(if:true)note}}}}", {}),
        ("directives_each_max", 2, f"{{{LINE}{{id@skip(if:false)@include(if:true)}}}}", {}),
        ("comparisons_max", 4, f"{{{LINE}{{id id}}{LINE}{{id}}}}", {}),
        ("input_depth_max", 3, "{lines(where:{allOf:[{username:null}]}){nodes{id}}}", {}),
        ("input_depth_max", 3, "query($w:Filter){lines(where:$w){nodes{id}}}",
         {"w": {"allOf": [{"username": None}]}}),
        ("input_values_max", 4, "query($w:Filter){lines(where:$w){nodes{id}}}",
         {"w": {"ids": [1, 2]}}),
    ],
)  # fmt: skip
def test_a_document_may_be_as_large_as_a_limit_and_no_larger(
    limit: str, most: int, text: str, variables: dict[str, object]
) -> None:
    assert prepare(text, a_preparer(**{limit: most}), variables=variables).text == text
    with pytest.raises(DocumentRefused) as refused:
        prepare(text, a_preparer(**{limit: most - 1}), variables=variables)
    assert f"{most - 1}" in refused.value.errors[0].message
    assert refused.value.errors[0].extensions == {"code": "invalid_request"}


def test_several_faults_are_told_at_once() -> None:
    preparer = a_preparer(aliases_max=1, root_fields_max=1)
    with pytest.raises(DocumentRefused) as refused:
        prepare(f"{{a:{LINE}{{id}}b:{LINE}{{id}}}}", preparer)
    assert len(refused.value.errors) == 2


# --- operations ---------------------------------------------------------------------------------

TWO = f"query A{{{LINE}{{id}}}}mutation B{{renewLine(id:1 term:{{days:1}}){{__typename}}}}"


def test_the_operation_is_the_one_that_is_named() -> None:
    types = [prepare(TWO, name=name).operation_type for name in ("A", "B")]
    assert types == [OperationType.QUERY, OperationType.MUTATION]


def test_variables_are_kept_as_sent_and_as_the_schema_understands_them() -> None:
    text = "query($n:Int=7$id:ID!){line(id:$id){id}lines(first:$n){nodes{id}}}"
    prepared = prepare(text, variables={"id": 5, "other": True})
    assert prepared.variables == {"id": 5, "other": True}
    assert prepared.coerced == {"n": 7, "id": "5"}


# --- what is kept -------------------------------------------------------------------------------


def test_a_text_is_parsed_once() -> None:
    preparer = a_preparer()
    first = prepare("{lines(first:1){nodes{id}}}", preparer)
    again = prepare("{lines(first:1)" + "{nodes{id}}}", preparer)
    assert again.document is first.document


def test_a_document_is_parsed_anew_after_many_others_were_asked_for() -> None:
    preparer = Preparer(SCHEMA, DocumentLimits(), documents_bytes_max=200_000)
    text = f"{{{LINE}{{id}}}}"
    first = prepare(text, preparer)
    for n in range(100):
        prepare(f"query Q{n}{{{LINE}{{id}}}}", preparer)
    assert 2 <= len(preparer._documents) < 100
    assert preparer._documents.bytes <= 200_000
    assert prepare(text, preparer).document is not first.document


def test_a_refusal_is_a_new_error_each_time() -> None:
    preparer = a_preparer()
    errors = []
    for _ in range(2):
        with pytest.raises(DocumentRefused) as refused:
            prepare("{nothing}", preparer)
        errors.append(refused.value.errors[0])
    assert errors[0] is not errors[1]
    assert errors[0] == errors[1]
    assert len(preparer._refusals) == 1


def test_refusals_push_no_good_document_out() -> None:
    preparer = a_preparer()
    first = prepare(f"{{{LINE}{{id}}}}", preparer)
    for n in range(600):
        with pytest.raises(DocumentRefused):
            prepare(f"{{nothing{n}}}{' ' * 1_900}", preparer)
    assert 2 <= len(preparer._refusals) < 600
    assert preparer._refusals.bytes <= REFUSALS_BYTES_MAX
    assert prepare(f"{{{LINE}{{id}}}}", preparer).document is first.document


def test_the_refusal_of_a_long_text_is_not_kept() -> None:
    preparer = a_preparer()
    with pytest.raises(DocumentRefused) as refused:
        prepare("{nothing}" + " " * 3_000, preparer)
    assert refused.value.phase is Phase.VALIDATION
    assert len(preparer._refusals) == 0
