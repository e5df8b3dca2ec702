"""The published contract: complete, consistent, and what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from gateway.api.contracts import check_schemas, contracts, write_schemas
from gateway.api.event_schemas import event_schemas
from gateway.api.rest.openapi import openapi, problems_of
from gateway.api.rest.openapi_schemas import schemas_of
from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.api.rest.wire import Wire
from gateway.domain.caller import Permission
from tests.api.support import ROUTES, ThingOut, api, create_thing

DOCUMENT = openapi(TABLE)


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside *value*."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_reference_leads_somewhere() -> None:
    for part in parts(DOCUMENT):
        reference = part.get("$ref")
        if isinstance(reference, str):
            here: Any = DOCUMENT
            for name in reference.removeprefix("#/").split("/"):
                here = here[name]


def test_every_component_is_used() -> None:
    text = json.dumps(DOCUMENT)
    for kind, components in DOCUMENT["components"].items():
        for name in components:
            assert kind == "securitySchemes" or f'"#/components/{kind}/{name}"' in text, name


def test_every_route_is_there_once() -> None:
    described = {(method.upper(), path) for path, method, _ in operations()}
    assert described == {(route.method, route.path) for route in TABLE}
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def test_every_operation_is_told_in_words() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for _, _, operation in operations():
        assert re.match(r"[A-Z].*\.", operation["summary"])
        assert "ermission" in operation["description"]
        assert set(operation["tags"]) <= tags


def test_every_placeholder_is_a_parameter() -> None:
    for path, _, operation in operations():
        named = {p["name"] for p in operation["parameters"] if p.get("in") == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_every_failure_is_a_problem() -> None:
    for route in TABLE:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        for error in problems_of(route):
            name = operation["responses"][str(error.status)]["$ref"].rpartition("/")[2]
            assert error.code in name.split("-or-")
            response = DOCUMENT["components"]["responses"][name]
            content = response["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert error.code in content["examples"]


def test_a_change_of_a_panel_may_stay_open() -> None:
    responses = DOCUMENT["paths"]["/v1/lines"]["post"]["responses"]
    assert {"201", "202", "402"} & set(responses) == {"201", "202"}
    shown = responses["202"]["content"]["application/json"]["schema"]
    assert shown == {"$ref": "#/components/schemas/Operation"}


def names_of(operation: dict[str, Any]) -> set[str]:
    """Return the names of the parameters of *operation*."""
    known = DOCUMENT["components"]["parameters"]
    whole = (known.get(p.get("$ref", "").rpartition("/")[2], p) for p in operation["parameters"])
    return {parameter["name"] for parameter in whole}


@pytest.mark.parametrize("route", TABLE, ids=lambda route: route.name)
def test_what_a_route_takes_is_described(route: Route) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    named = names_of(operation)
    assert ("dry_run" in named) is route.takes_dry_run
    assert ("Idempotency-Key" in named) is route.is_write
    assert ("Prefer" in named) is route.may_stay_open
    assert ("If-Match" in named) is route.is_versioned


def test_every_change_can_be_tried() -> None:
    cannot = {route.name for route in TABLE if route.method != "GET" and not route.takes_dry_run}
    assert cannot == {
        *("look_up_line", "look_up_device", "probe_panel"),
        "preview_inbound_event",
        "try_webhook_endpoint",
    }
    for route in TABLE:
        if route.takes_dry_run:
            shown = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]["200"]
            assert "#/components/schemas/DryRun" in json.dumps(shown)


def test_a_put_creates_or_changes() -> None:
    responses = DOCUMENT["paths"]["/v1/lines/by-external-id/{external_id}"]["put"]["responses"]
    assert {"200", "201", "202", "404"} <= set(responses)
    assert "Location" in responses["201"]["headers"]
    assert "Location" not in responses["200"]["headers"]


def test_a_line_is_described_as_it_is_shown() -> None:
    line = DOCUMENT["components"]["schemas"]["Line"]
    assert line["properties"]["object"] == {"type": "string", "const": "line"}
    assert set(line["required"]) == set(line["properties"])
    assert line["properties"]["expires_at"]["anyOf"][0]["format"] == "date-time"


def test_a_patch_has_no_defaults() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name.endswith("Patch"):
            assert all("default" not in field for field in schema["properties"].values())


def bodies() -> list[type[Wire]]:
    return list(dict.fromkeys(r.body for r in TABLE if r.takes_body and r.body is not None))


@pytest.mark.parametrize("body", bodies(), ids=lambda body: body.__name__)
def test_every_example_is_a_valid_body(body: type[Wire]) -> None:
    (example,) = DOCUMENT["components"]["schemas"][body.__name__]["examples"]
    assert isinstance(body.read(example), body)


def test_unknown_fields_are_described_as_refused() -> None:
    for body in bodies():
        assert DOCUMENT["components"]["schemas"][body.__name__]["additionalProperties"] is False


@pytest.mark.parametrize("route", TABLE, ids=lambda route: route.name)
def test_every_route_but_me_names_its_permission(route: Route) -> None:
    assert isinstance(route.needs, Permission) is (route.path != "/v1/me")


def test_two_schemas_of_one_name_are_refused() -> None:
    class ThingIn(Wire):
        """Another one of this name."""

    other = create_thing.__class__(
        **{name: getattr(create_thing, name) for name in create_thing.__slots__} | {"body": ThingIn}
    )
    with pytest.raises(ValueError, match="ThingIn"):
        schemas_of((create_thing, other))
    assert ThingOut.__name__ in schemas_of(ROUTES)


def test_the_files_are_canonical_and_compared(tmp_path: Path) -> None:
    folder = tmp_path / "schema"
    assert "+" in check_schemas(folder)
    names = {"openapi.json", "problems.json", "schema.graphql"}
    names |= {f"webhooks/{name}.json" for name in event_schemas()}
    assert {str(path.relative_to(folder)) for path in write_schemas(folder)} == names
    assert check_schemas(folder) == ""
    assert write_schemas(folder) == []
    text = (folder / "openapi.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"

    (folder / "openapi.json").write_text(text.replace("terminate", "end"))
    difference = check_schemas(folder)
    assert "-" in difference
    assert "schema/openapi.json as the code has it" in difference
    assert [path.name for path in write_schemas(folder)] == ["openapi.json"]


def test_the_published_files_are_in_step() -> None:
    assert check_schemas(Path("schema")) == "", "run: make schema"


async def test_the_document_is_served_and_revalidated() -> None:
    client = api(TABLE)
    response = await client.get("/openapi.json")
    assert response.text == contracts()["openapi.json"]
    assert response.json()["info"]["version"] == __version__
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-cache"

    again = await client.get("/openapi.json", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await client.get("/openapi.json", headers={"if-none-match": '"x"'})
    assert other.status_code == 200
