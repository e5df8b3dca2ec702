"""Documents made to hurt: more than two hundred, most from a pattern and a number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.api.graphql.refusals import Phase

PARSE, VALIDATION, VARIABLES = Phase.PARSE, Phase.VALIDATION, Phase.VARIABLES
LINE = 'line(id:"1")'


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One request, and the phase that refuses it."""

    name: str
    text: str
    phase: Phase
    variables: dict[str, object] = field(default_factory=dict)
    operation_name: str | None = None
    may_introspect: bool = True


def hostile_requests() -> list[Hostile]:
    """Return all of them."""
    makers = (
        _aliases,
        _repeats,
        _directives,
        _nesting,
        _bombs,
        _cycles,
        _values,
        _variables,
        _introspection,
        _floods,
        _pages,
        _operations,
        _types,
        _broken,
    )
    return [request for make in makers for request in make()]


def _made(name: str, phase: Phase, text: str, **more: object) -> Hostile:
    return Hostile(name=name, text=text, phase=phase, **more)  # type: ignore[arg-type]


def _aliases() -> Iterator[Hostile]:
    for n in (31, 50, 100, 200, 300, 400):
        one = " ".join(f"a{i}:username" for i in range(n))
        yield _made(f"{n} aliases of a leaf", VALIDATION, f"{{{LINE}{{{one}}}}}")
        yield _made(
            f"{n} aliases of __typename",
            VALIDATION,
            "{" + " ".join(f"a{i}:__typename" for i in range(n)) + "}",
        )
    for n in (21, 31, 40, 80, 160):
        roots = " ".join(f"a{i}:{LINE}{{id}}" for i in range(n))
        yield _made(f"{n} aliased roots", VALIDATION, f"{{{roots}}}")
        changes = " ".join(
            f'a{i}:renewLine(id:"{i}" term:{{days:1}}){{__typename}}' for i in range(n)
        )
        yield _made(
            f"{n} changes in one", PARSE if n == 160 else VALIDATION, f"mutation{{{changes}}}"
        )
    for n in (5, 8, 16, 32):
        halves = f"{{...F0}} fragment F{n} on Line {{id}}" + "".join(
            f"fragment F{i} on {'Query' if i == 0 else 'Line'} "
            f"{{a{i}:{LINE if i == 0 else 'twin'}{{...F{i + 1}}} "
            f"b{i}:{LINE if i == 0 else 'twin'}{{...F{i + 1}}}}}"
            for i in range(n)
        )
        yield _made(f"aliases doubled {n} times through fragments", VALIDATION, halves)


def _repeats() -> Iterator[Hostile]:
    for n in (101, 150, 200, 400, 900):
        leaves = "id " * n
        yield _made(f"a leaf {n} times", VALIDATION, f"{{{LINE}{{{leaves}}}}}")
    for n in (80, 100, 200, 300):
        yield _made(
            f"a root {n} times", PARSE if n == 300 else VALIDATION, f"{{{(LINE + '{id}') * n}}}"
        )
        yield _made(f"an object {n} times", VALIDATION, f"{{{LINE}{{{'twin{id}' * n}}}}}")
        yield _made(
            f"a page {n} times",
            PARSE if n >= 200 else VALIDATION,
            "{" + "lines(first:1){nodes{id}}" * n + "}",
        )
    for n in (12, 15, 17, 20):
        yield _made(
            f"{n} times {n} of the same object",
            VALIDATION,
            "{" + (LINE + "{" + "twin{id}" * n + "}") * n + "}",
        )
    for n in (5, 6, 7):
        yield _made(
            f"{n} cubed of the same object",
            VALIDATION,
            "{" + (LINE + "{" + ("twin{" + "twin{id}" * n + "}") * n + "}") * n + "}",
        )
    for n in (36, 40, 48):
        spread = " ".join(f"...F{i}" for i in range(n))
        yield _made(
            f"the same objects in {n} fragments",
            VALIDATION,
            f"{{{spread}}}"
            + "".join(
                f"fragment F{i} on Query{{{LINE}{{id username twin{{id twin{{id}}}}}}}}"
                for i in range(n)
            ),
        )


def _directives() -> Iterator[Hostile]:
    for n in (5, 10, 100, 200):
        yield _made(
            f"{n} directives in one place",
            VALIDATION,
            f"{{{LINE}{{id {'@skip(if:false)' * n}}}}}",
        )
        yield _made(
            f"{n} unknown directives on an operation",
            VALIDATION,
            f"query {'@x ' * n}{{{LINE}{{id}}}}",
        )
        yield _made(
            f"{n} directives on a spread",
            VALIDATION,
            f"{{{LINE}{{...F{'@skip(if:false)' * n}}}}}fragment F on Line{{id}}",
        )
        yield _made(
            f"{n} directives on a variable",
            VALIDATION,
            f"query($a:Int {'@x ' * n}){{lines(first:$a){{nodes{{id}}}}}}",
            variables={"a": 1},
        )
    for n in (51, 100, 200):
        fields = "id @skip(if:false) " * n
        yield _made(f"{n} directives in all", VALIDATION, f"{{{LINE}{{{fields}}}}}")
    for name in ("defer", "stream", "oneOf", "deprecated", "live", "x"):
        yield _made(
            f"directive {name}",
            VALIDATION,
            f"{{{LINE}{{...F @{name}}}}}fragment F on Line{{id}}",
        )
    yield _made("skip without if", VALIDATION, f"{{{LINE}{{id @skip}}}}")
    yield _made("skip twice", VALIDATION, f"{{{LINE}{{id @skip(if:true)@skip(if:false)}}}}")


def _nesting() -> Iterator[Hostile]:
    for n in (17, 50, 100, 190, 500, 1_000, 10_000, 16_000):
        phase = VALIDATION if n < 200 else PARSE
        inner = "twin{" * n + "id" + "}" * n
        yield _made(f"fields {n} deep", phase, f"{{{LINE}{{{inner}}}}}")
        deep = "...{" * n + "id" + "}" * n
        if n >= 200:
            yield _made(f"inline fragments {n} deep", phase, f"{{{LINE}{{{deep}}}}}")
        lists = "[" * n + "]" * n
        yield _made(f"a list {n} deep", phase, f"{{lines(where:{{ids:{lists}}}){{nodes{{id}}}}}}")
        objects = "{inverse:" * n + "{}" + "}" * n
        yield _made(
            f"an object {n} deep",
            phase,
            f"{{lines(where:{objects}){{nodes{{id}}}}}}",
        )
        types = "[" * n + "Int" + "]" * n
        yield _made(
            f"a type {n} deep",
            phase,
            f"query($a:{types}){{lines(where:{{ids:$a}}){{nodes{{id}}}}}}",
        )
    for n in (17, 30, 48):
        chain = "".join(f"fragment F{i} on Line{{twin{{...F{i + 1}}}}}" for i in range(n))
        yield _made(
            f"fields {n} deep through fragments",
            VALIDATION,
            f"{{{LINE}{{...F0}}}}{chain}fragment F{n} on Line{{id}}",
        )
    yield _made("brackets only", PARSE, "{" * 30_000)
    yield _made("lists only", PARSE, "[" * 30_000)
    yield _made("an open argument", PARSE, "{a(b:" + "[" * 30_000)


def _bombs() -> Iterator[Hostile]:
    for n in (10, 16, 24, 32, 48):
        tail = f"fragment F{n} on Line{{id}}"
        plain = "".join(f"fragment F{i} on Line{{...F{i + 1} ...F{i + 1}}}" for i in range(n))
        yield _made(f"spreads doubled {n} times", VALIDATION, f"{{{LINE}{{...F0}}}}{plain}{tail}")
        inline = "".join(
            f"fragment F{i} on Line{{...{{...F{i + 1}}}...on Line{{...F{i + 1}}}}}"
            for i in range(n)
        )
        yield _made(
            f"inline fragments doubled {n} times", VALIDATION, f"{{{LINE}{{...F0}}}}{inline}{tail}"
        )
        fields = "".join(
            f"fragment F{i} on Line{{twin{{...F{i + 1}}}twin{{...F{i + 1}}}}}" for i in range(n)
        )
        yield _made(f"fields doubled {n} times", VALIDATION, f"{{{LINE}{{...F0}}}}{fields}{tail}")
        yield _made(f"a bomb that nobody lights, {n}", VALIDATION, f"{{{LINE}{{id}}}}{plain}{tail}")
    for n in (51, 100, 200):
        unused = "".join(f"fragment F{i} on Line{{id}}" for i in range(n))
        yield _made(f"{n} unused fragments", VALIDATION, f"{{{LINE}{{id}}}}{unused}")
    yield _made(
        "two fragments of one name, one of them large",
        VALIDATION,
        f"{{{LINE}{{...F}}}}fragment F on Line{{{'twin{id}' * 200}}}fragment F on Line{{id}}",
    )


def _cycles() -> Iterator[Hostile]:
    for n in (1, 2, 3, 10, 40):
        ring = "".join(f"fragment F{i} on Line{{...F{(i + 1) % n}}}" for i in range(n))
        yield _made(f"a ring of {n} fragments", VALIDATION, f"{{{LINE}{{...F0}}}}{ring}")
        fields = "".join(f"fragment F{i} on Line{{twin{{...F{(i + 1) % n}}}}}" for i in range(n))
        yield _made(
            f"a ring of {n} fragments and fields", VALIDATION, f"{{{LINE}{{...F0}}}}{fields}"
        )
        yield _made(f"a ring of {n} that nobody enters", VALIDATION, f"{{{LINE}{{id}}}}{ring}")


def _values() -> Iterator[Hostile]:
    for n in (3_000, 10_000, 30_000):
        numbers = "1 " * n
        yield _made(f"a list of {n}", PARSE, f"{{lines(where:{{ids:[{numbers}]}}){{nodes{{id}}}}}}")
    for n in (70_000, 500_000, 5_000_000):
        yield _made(f"a string of {n}", PARSE, f'{{line(id:"{"x" * n}"){{id}}}}')
        yield _made(f"a block string of {n}", PARSE, f'{{line(id:"""{"x" * n}"""){{id}}}}')
        yield _made(f"a name of {n}", PARSE, f"{{{'x' * n}}}")
        yield _made(f"a number of {n} digits", PARSE, f"{{lines(first:{'9' * n}){{nodes{{id}}}}}}")
    for n in (400, 5_000, 60_000):
        yield _made(
            f"first of {n} digits", VALIDATION, f"{{lines(first:{'9' * n}){{nodes{{id}}}}}}"
        )
        yield _made(f"an unknown name of {n}", VALIDATION, f"{{{'x' * n}}}")
        yield _made(
            f"an unknown argument of {n}", VALIDATION, f"{{lines({'x' * n}:1){{nodes{{id}}}}}}"
        )
    for n in (20, 200):
        same = "username:null " * n
        yield _made(
            f"an input field {n} times", VALIDATION, f"{{lines(where:{{{same}}}){{nodes{{id}}}}}}"
        )
        yield _made(
            f"an argument {n} times", VALIDATION, f"{{lines({'first:1 ' * n}){{nodes{{id}}}}}}"
        )


def _variables() -> Iterator[Hostile]:
    filtered = "query($f:Filter){lines(where:$f){nodes{id}}}"
    for n in (11, 100, 1_000, 10_000):
        deep: dict[str, object] = {}
        for _ in range(n):
            deep = {"inverse": deep}
        yield _made(f"a variable {n} deep", VARIABLES, filtered, variables={"f": deep})
        listed: object = []
        for _ in range(n):
            listed = [listed]
        yield _made(f"a list in a variable {n} deep", VARIABLES, filtered, variables={"f": listed})
    for n in (5_001, 50_000, 500_000):
        yield _made(f"a variable of {n}", VARIABLES, filtered, variables={"f": {"ids": [1] * n}})
        yield _made(
            f"{n} variables that nobody asked for",
            VARIABLES,
            f"{{{LINE}{{id}}}}",
            variables={f"v{i}": i for i in range(n)},
        )
    yield _made("many wrong values", VARIABLES, filtered, variables={"f": {"ids": ["x"] * 4_000}})
    for n in (51, 100, 300):
        definitions = " ".join(f"$v{i}:Int" for i in range(n))
        yield _made(f"{n} definitions", VALIDATION, f"query({definitions}){{{LINE}{{id}}}}")
    odd: tuple[object, ...] = ("x", 1.5, 2**40, True, {}, [], {"a": 1}, "\ud800")
    for value in odd:
        yield _made(
            f"first as {value!a}",
            VARIABLES,
            "query($n:Int){lines(first:$n){nodes{id}}}",
            variables={"n": value},
        )
    yield _made("an undefined variable", VALIDATION, "{lines(first:$n){nodes{id}}}")
    yield _made("a missing variable", VARIABLES, "query($id:ID!){line(id:$id){id}}")
    yield _made("a variable of an output type", VALIDATION, f"query($v:Line){{{LINE}{{id}}}}")
    terms: tuple[dict[str, object], ...] = ({}, {"days": 1, "until": "x"}, {"days": None})
    for keys in terms:
        yield _made(
            f"one of, given {len(keys)} {list(keys.values())}",
            VARIABLES,
            "query($t:Term!){until(term:$t)}",
            variables={"t": keys},
        )


def _introspection() -> Iterator[Hostile]:
    kinds = (
        ("fields", "type"),
        ("inputFields", "type"),
        ("interfaces", None),
        ("possibleTypes", None),
    )
    for many, one in kinds:
        for n in (3, 6, 15):
            inner = "name"
            for _ in range(n):
                inner = f"{many}{{{one}{{{inner}}}}}" if one else f"{many}{{{inner}}}"
            yield _made(f"{many} in circles, {n}", VALIDATION, f"{{__schema{{types{{{inner}}}}}}}")
            yield _made(
                f"{many} of one type in circles, {n}",
                VALIDATION,
                f'{{__type(name:"Line"){{{inner}}}}}',
            )
    for n in (16, 40):
        inner = "ofType{" * n + "name" + "}" * n
        yield _made(f"ofType {n} deep", VALIDATION, f'{{__type(name:"Line"){{{inner}}}}}')
    for n in (6, 20):
        schemas = " ".join(f"s{i}:__schema{{types{{name}}}}" for i in range(n))
        yield _made(f"the schema {n} times", VALIDATION, f"{{{schemas}}}")
    denied = {
        "__schema": "{__schema{queryType{name}}}",
        "__type": '{__type(name:"Line"){name}}',
        "aliased": "{s:__schema{queryType{name}}}",
        "in a fragment": "{...F}fragment F on Query{__schema{queryType{name}}}",
        "in an unused fragment": f"{{{LINE}{{id}}}}fragment F on Query{{__schema{{__typename}}}}",
        "inline": "{...on Query{__schema{queryType{name}}}}",
        "in a mutation": "mutation{__schema{queryType{name}}}",
        "skipped": "{__schema @skip(if:true){queryType{name}}}",
        "below": f"{{{LINE}{{__type}}}}",
        "in the other operation": f"query A{{{LINE}{{id}}}}query B{{__schema{{__typename}}}}",
    }
    for name, text in denied.items():
        yield _made(f"introspection denied: {name}", VALIDATION, text, may_introspect=False)


def _floods() -> Iterator[Hostile]:
    good = f"{{{LINE}{{id}}}}"
    for n in (201, 5_000, 20_000):
        yield _made(f"{n} comments", PARSE, "#\n" * n + good)
        yield _made(f"{n} comments at the end", PARSE, good + "#\n" * n)
    for n in (70_000, 1_000_000):
        yield _made(f"a comment of {n}", PARSE, "#" + "x" * n + "\n" + good)
        for name, character in (
            ("spaces", " "),
            ("commas", ","),
            ("newlines", "\r\n"),
            ("marks", "\ufeff"),
            ("emoji in a comment", "#\U0001f600\n"),
            ("full-width digits", "\uff11"),
            ("zero bytes", "\0"),
            ("right-to-left marks", "\u202e"),
            ("dollar signs", "$"),
            ("tokens", "a "),
            ("quotes", '"'),
        ):
            yield _made(f"{n} {name}", PARSE, character * n + good)
    yield _made("20,000 emoji are 80,000 bytes", PARSE, f"{good}#" + "\U0001f600" * 20_000)
    for name, text in (
        ("half a pair in a name", "{\ud800}"),
        ("half a pair in a string", '{line(id:"\udfff"){id}}'),
        ("half a pair in an escape", '{line(id:"\\ud800"){id}}'),
        ("half a pair in a comment", "#\ud800\n{line(id:1){id}}"),
        ("an escape out of range", '{line(id:"\\u{110000}"){id}}'),
        ("letters from elsewhere", "{l\u00efne}"),
    ):
        yield _made(name, PARSE, text)


def _pages() -> Iterator[Hostile]:
    for n in (201, 1_000, 2**31 - 1, 0, -1, -(2**31)):
        yield _made(f"first: {n}", VALIDATION, f"{{lines(first:{n}){{nodes{{id}}}}}}")
        yield _made(f"last: {n}", VALIDATION, f"{{recent(last:{n}){{id}}}}")
        yield _made(
            f"first as a variable: {n}",
            VARIABLES,
            "query($n:Int){lines(first:$n){nodes{id}}}",
            variables={"n": n},
        )
        yield _made(
            f"first as a default: {n}",
            VARIABLES,
            f"query($n:Int={n}){{lines(first:$n){{nodes{{id}}}}}}",
        )
        yield _made(
            f"first in a fragment: {n}",
            VALIDATION,
            f"{{...F}}fragment F on Query{{lines(first:{n}){{edges{{node{{id}}}}}}}}",
        )
    for outer, each in ((200, 200), (200, 50), (100, 100), (200, 26)):
        yield _made(
            f"{each} of each of {outer}",
            VALIDATION,
            f"{{lines(first:{outer}){{nodes{{operations(first:{each}){{nodes{{id state}}}}}}}}}}",
        )
    resource = "resource{...on Line{operations{nodes{id}}}}"
    for n in (3, 4, 5):
        inner = "id"
        for _ in range(n):
            inner = f"operations{{nodes{{resource{{...on Line{{{inner}}}}}}}}}"
        yield _made(f"pages in pages, {n}", VALIDATION, f"{{{LINE}{{{inner}}}}}")
    yield _made(
        "pages through a union",
        VALIDATION,
        f"{{lines{{nodes{{operations{{nodes{{{resource}}}}}}}}}}}",
    )
    for n in (51, 100, 200):
        text = f"{{lines(first:{n}){{nodes{{info{{activeConnections}}}}}}}}"
        yield _made(f"{n} calls of panels", VALIDATION, text)
        edges = f"{{lines(first:{n}){{edges{{node{{info{{activeConnections}}}}}}}}}}"
        yield _made(f"{n} calls of panels through edges", VALIDATION, edges)
    for n in (13, 20):
        many = " ".join(f"a{i}:lines(first:4){{nodes{{info{{__typename}}}}}}" for i in range(n))
        yield _made(f"{n} times 4 calls of panels", VALIDATION, f"{{{many}}}")


def _operations() -> Iterator[Hostile]:
    two = f"query A{{{LINE}{{id}}}}query B{{{LINE}{{id}}}}"
    yield _made("two operations and no name", VALIDATION, two)
    yield _made("an unknown operation", VALIDATION, two, operation_name="C")
    yield _made("a long unknown operation", VALIDATION, two, operation_name="x" * 1_000_000)
    yield _made("half a pair as a name", VALIDATION, two, operation_name="\ud800")
    yield _made("an empty name", VALIDATION, two, operation_name="")
    yield _made("two without a name", VALIDATION, f"{{{LINE}{{id}}}}" * 2)
    yield _made("two of one name", VALIDATION, f"query A{{{LINE}{{id}}}}" * 2, operation_name="A")
    yield _made("only a fragment", VALIDATION, "fragment F on Line{id}")
    yield _made("a subscription that is not there", VALIDATION, "subscription{lineChanged{id}}")
    yield _made("a schema", VALIDATION, "type Query{a:Int}")
    yield _made("an extension", VALIDATION, f"{{{LINE}{{id}}}}extend type Query{{a:Int}}")
    for n in (51, 100, 150):
        many = "".join(f"query Q{i}{{{LINE}{{id}}}}" for i in range(n))
        yield _made(f"{n} operations", VALIDATION, many, operation_name="Q0")
    for n in (2, 10, 1_000):
        batch = json.dumps([{"query": f"{{{LINE}{{id}}}}"}] * n)
        yield _made(f"a batch of {n}", PARSE, batch)


def _types() -> Iterator[Hostile]:
    hit = "...on Line{twin{id}}...on Device{mac}...on Operation{state}...on Bouquet{name}"
    yield _made(
        "a union of everything, again and again",
        VALIDATION,
        '{node(id:"1"){' + hit * 60 + "}}",
    )
    level = "id"
    for _ in range(6):
        level = (
            f"...on Line{{operations(first:1){{nodes{{resource{{{level}}}}}}}}}...on Device{{id}}"
            if level != "id"
            else "...on Line{id}...on Device{id}"
        )
    yield _made("unions in unions", VALIDATION, f'{{node(id:"1"){{{level}}}}}')
    for name, text in (
        ("an unknown field", "{secrets}"),
        ("an unknown type", f"{{{LINE}{{...on Secret{{id}}}}}}"),
        ("a fragment on an input", f"{{{LINE}{{...on Filter{{username}}}}}}"),
        ("an impossible fragment", f"{{{LINE}{{...on Device{{mac}}}}}}"),
        ("an unknown fragment", f"{{{LINE}{{...Nothing}}}}"),
        ("a leaf with fields", f"{{{LINE}{{id{{x}}}}}}"),
        ("an object without fields", f"{{{LINE}}}"),
        ("two fields of one name", f"{{{LINE}{{a:id a:username}}}}"),
        ("two arguments of one field", '{line(id:"1"){id}line(id:"2"){id}}'),
        ("null where it must not be", "{line(id:null){id}}"),
        ("one of two", '{until(term:{days:1 until:"x"})}'),
        ("one of none", "{until(term:{})}"),
        ("one of a variable that may be null", "query($n:Int){until(term:{days:$n})}"),
    ):
        yield _made(name, VALIDATION, text)


def _broken() -> Iterator[Hostile]:
    for text in (
        "", " ", "#", "{", "}", "{}}", "query", "{a(}", "{a:}", '{a(b:")}', "{a(b:$)}", "null",
        "...", "{...}{", "query($){a}", "fragment on on on{on}", '"""', "{a @}", "\\", "<html>",
    ):  # fmt: skip
        yield _made(f"broken: {text!r}", PARSE, text)
