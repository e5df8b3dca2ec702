"""What an operation costs is known before it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.graphql.costs import WORK_MAX
from gateway.api.graphql.limits import Cost, DocumentLimits, cost_extension
from gateway.api.graphql.prices import SCHEMA_POINTS, TYPE_POINTS
from gateway.api.graphql.refusals import DocumentRefused, Phase
from tests.api.graphql.shop import a_preparer, prepare

LINE = 'line(id:"1")'
ENDLESS = a_preparer(
    tokens_max=10**6,
    bytes_max=10**7,
    depth_max=100,
    selections_max=10**6,
    aliases_max=10**6,
    root_fields_max=10**6,
    points_max=10**40,
    panel_calls_max=10**40,
)


def cost(text: str, **variables: object) -> tuple[int, int]:
    found = prepare(text, ENDLESS, variables=variables, may_introspect=True).cost
    return found.points, found.panel_calls


@pytest.mark.parametrize(
    ("text", "points", "panel_calls"),
    [
        (f"{{{LINE}{{id username}}}}", 3, 0),
        (f"{{{LINE}{{id __typename}}__typename}}", 2, 0),
        (f"{{{LINE}{{info{{activeConnections}}}}}}", 3, 1),
        (f"{{a:{LINE}{{info{{__typename}}}}b:{LINE}{{info{{__typename}}}}}}", 4, 2),
        (f"{{{LINE}{{id}}{LINE}{{id info{{__typename}}}}}}", 3, 1),
        ("{lines(first:7){nodes{id}}}", 1 + 1 + 7, 0),
        ("{lines(first:7){edges{cursor node{id}}pageInfo{endCursor}}}", 4 + 7 * 3, 0),
        ("{lines{nodes{id}}}", 2 + 50, 0),
        ("{lines(first:null){nodes{id}}}", 2 + 50, 0),
        ("{recent{id}}", 1 + 20, 0),
        ("{recent(last:3){id info{__typename}}}", 1 + 3 * 2, 3),
        ("{lines(first:3){nodes{operations(first:4){nodes{id}}}}}", 2 + 3 * (2 + 4), 0),
        (f"{{{LINE}{{tags{{id name}}}}}}", 1 + 3 + 5 * 2, 0),
        (f"{{{LINE}{{info{{bouquets{{name}}}}}}}}", 3 + 10, 1),
        ('{node(id:"1"){id}}', 2, 0),
        ('{node(id:"1"){id ...on Line{info{__typename}}...on Device{info{__typename}}}}', 3, 2),
        ('{node(id:"1"){...on Line{id username note}...on Device{info{__typename}}}}', 4, 2),
        ('{node(id:"1"){...on Node{id}...{id}...on Line{id}}}', 2, 0),
        ("{...F}fragment F on Query{lines(first:2){...G}}fragment G on LineConnection{nodes{id}}",
         2 + 2, 0),
        ('mutation{renewLine(id:"1" term:{days:1}){...on RenewLineSuccess{line{id}}}}', 3, 2),
        ('mutation{renewLine(id:"1" term:{days:1}){...on Problem{code detail}}}', 3, 2),
        (f"{{{LINE}{{id info @skip(if:true){{__typename}}}}}}", 2, 0),
        (f"{{{LINE}{{id info @include(if:false){{__typename}}}}}}", 2, 0),
        (f"{{{LINE}{{id ...@include(if:true){{info{{__typename}}}}}}}}", 3, 1),
        ("{__schema{types{name fields{name}}}}", SCHEMA_POINTS + 4, 0),
        ('{__type(name:"Line"){fields{name}}}', TYPE_POINTS + 2, 0),
    ],
)  # fmt: skip
def test_a_document_costs_what_it_may_resolve_and_call(
    text: str, points: int, panel_calls: int
) -> None:
    assert cost(text) == (points, panel_calls)


PAGED = "query($n:Int=9$no:Boolean=false){lines(first:$n){nodes{id @skip(if:$no)}}}"


def test_variables_say_how_large_a_page_is_and_what_is_left_out() -> None:
    assert cost(PAGED) == (2 + 9, 0)
    assert cost(PAGED, n=20) == (2 + 20, 0)
    assert cost(PAGED, n=None) == (2 + 50, 0)
    assert cost(PAGED, n=20, no=True) == (2, 0)
    assert cost(PAGED, n=20) == (2 + 20, 0)


def test_many_page_sizes_of_one_document_are_each_counted_right() -> None:
    assert [cost(PAGED, n=n)[0] for n in range(1, 60)] == [2 + n for n in range(1, 60)]


def test_each_operation_of_a_document_has_its_own_cost() -> None:
    text = f"query A{{{LINE}{{id}}}}query B{{{LINE}{{info{{__typename}}}}}}"
    costs = [prepare(text, ENDLESS, name=name).cost for name in ("A", "B", "A")]
    assert costs == [Cost(2, 0), Cost(2, 1), Cost(2, 0)]


def test_a_variable_that_only_has_the_name_of_a_page_changes_nothing() -> None:
    text = "query($if:[Int!]){lines(where:{ids:$if}first:1){nodes{id}}}"
    assert cost(text, **{"if": [1, 2]}) == cost(text, **{"if": []}) == (3, 0)


@pytest.mark.parametrize(
    ("text", "limit", "most", "what"),
    [
        ("{lines(first:10){nodes{id}}}", "points_max", 12, "12 points; at most 11"),
        ("{recent(last:4){info{__typename}}}", "panel_calls_max", 4, "4 times; at most 3"),
    ],
)
def test_an_operation_may_cost_its_limit_and_not_one_more(
    text: str, limit: str, most: int, what: str
) -> None:
    found = prepare(text, a_preparer(**{limit: most})).cost
    assert most in {found.points, found.panel_calls}
    with pytest.raises(DocumentRefused, match=what):
        prepare(text, a_preparer(**{limit: most - 1}))


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("{lines(first:6){nodes{id}}}", Phase.VALIDATION),
        ("query($n:Int=6){lines(first:$n){nodes{id}}}", Phase.VARIABLES),
        ("query A{lines(first:6){nodes{id}}}query B{lines(first:5){nodes{id}}}", Phase.VALIDATION),
    ],
)
def test_a_page_larger_than_allowed_is_refused_where_it_is_written(text: str, phase: Phase) -> None:
    name = "A" if "query A" in text else None
    with pytest.raises(DocumentRefused, match="'first' is 6; a page has 1 to 5") as refused:
        prepare(text, a_preparer(page_size_max=5), name=name)
    assert refused.value.phase is phase
    assert refused.value.errors[0].locations


def test_what_is_not_run_may_be_too_large() -> None:
    text = "query A{lines(first:6){nodes{id}}}query B{lines(first:5){nodes{id}}}"
    assert prepare(text, a_preparer(page_size_max=5), name="B").cost == Cost(7, 0)


def test_counting_a_cost_has_an_end_however_high_the_limits_are() -> None:
    fields = " ".join(f"a{n}:id" for n in range(WORK_MAX // 4))  # A node is of one of four types.
    assert cost(f"{{n:{LINE}{{{fields}}}}}") == (1 + WORK_MAX // 4, 0)
    with pytest.raises(DocumentRefused, match="too many combinations of types"):
        cost(f'{{n:node(id:"1"){{{fields}}}}}')


def test_the_cost_is_shown_with_its_limits() -> None:
    assert cost_extension(Cost(3, 1), DocumentLimits(points_max=9, panel_calls_max=2)) == {
        "cost": {"points": 3, "pointsMax": 9, "panelCalls": 1, "panelCallsMax": 2}
    }


# --- for any document ---------------------------------------------------------------------------

#: The fields of each type: how they are written, and what they lead to.
FIELDS: dict[str, list[tuple[str, str | None]]] = {
    "Query": [(LINE, "Line"), ("lines(first:3)", "LineConnection"), ('node(id:"1")', "Node")],
    "LineConnection": [("nodes", "Line"), ("edges", "LineEdge")],
    "LineEdge": [("cursor", None), ("node", "Line")],
    "Line": [
        ("id", None),
        ("twin", "Line"),
        ("info", "Info"),
        ("tags", "Bouquet"),
        ("operations(first:2)", "OperationConnection"),
        ("operations", "OperationConnection"),
    ],
    "Device": [("mac", None), ("info", "Info")],
    "Info": [("activeConnections", None), ("bouquets", "Bouquet")],
    "Bouquet": [("name", None), ("__typename", None)],
    "OperationConnection": [("nodes", "Operation")],
    "Operation": [("state", None), ("resource", "Resource")],
    "Resource": [("...on Line", "Line"), ("...on Device", "Device")],
    "Node": [("id", None), ("...on Line", "Line"), ("...on Operation", "Operation")],
}


@dataclass
class Selected:
    """A field with those below it, which can still be added to."""

    head: str
    type: str | None
    below: list[Selected] = field(default_factory=list)

    def text(self, path: str = "") -> str:
        alias = "" if self.head.startswith(("...", "query")) else f"a{path}:"
        if self.type is None:
            return alias + self.head
        inner = " ".join(one.text(f"{path}_{i}") for i, one in enumerate(self.below))
        return f"{alias}{self.head}{{{inner or '__typename'}}}"

    def all(self) -> list[Selected]:
        return [self, *(inner for one in self.below for inner in one.all())]


@st.composite
def selections(draw: st.DrawFn, type_name: str | None, head: str, depth: int) -> Selected:
    made = Selected(head, type_name)
    if type_name is not None and depth:
        for _ in range(draw(st.integers(0, 3))):
            inner, leads_to = draw(st.sampled_from(FIELDS[type_name]))
            made.below.append(draw(selections(leads_to, inner, depth - 1)))
    return made


@given(st.data())
def test_a_cost_is_never_negative_and_never_falls_when_a_field_is_added(
    data: st.DataObject,
) -> None:
    root = data.draw(selections("Query", "query", 6))
    before = cost(root.text())
    assert min(before) >= 0
    place = data.draw(st.sampled_from([one for one in root.all() if one.type]))
    head, leads_to = data.draw(st.sampled_from(FIELDS[place.type or ""]))
    place.below.append(data.draw(selections(leads_to, head, 2)))
    after = cost(root.text())
    assert after[0] >= before[0]
    assert after[1] >= before[1]


@given(selections("Line", LINE, 5))
def test_it_does_not_matter_whether_fields_stand_in_a_fragment_or_are_given_twice(
    line: Selected,
) -> None:
    plain = line.text()
    inner = plain.partition("{")[2][:-1]
    in_fragment = f"{{a:{LINE}{{...F}}}}fragment F on Line{{{inner}}}"
    assert cost(f"{{{plain}}}") == cost(f"{{{plain}{plain}}}") == cost(in_fragment)
