"""Reading events in tests: whatever is read is held against its published schema."""

from __future__ import annotations

from typing import Any, Final

from jsonschema import Draft202012Validator

from gateway.api.event_schemas import event_schemas
from tests.world import Api, World

SCHEMAS: Final = event_schemas()
VALIDATORS: Final = {
    name: Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for name, schema in SCHEMAS.items()
}


async def events(world: World, api: Api | None = None, **filters: Any) -> list[dict[str, Any]]:
    """Return events, oldest first, by default all that the operator sees; each is valid."""
    params = {"order": "oldest", "limit": 200} | filters
    found = await (api or world.operator).ok("GET", "/v1/events", params=params)
    data: list[dict[str, Any]] = found["data"]
    for event in data:
        check(event)
    return data


async def types(world: World, **filters: Any) -> list[str]:
    """Return the types of events, oldest first."""
    return [event["type"] for event in await events(world, **filters)]


def check(event: dict[str, Any]) -> None:
    """Hold an event against its schema, which must name all that it has."""
    sent = {name: event[name] for name in ("type", "timestamp", "data")}
    validator = VALIDATORS[event["type"]]
    validator.validate(sent)
    shape = SCHEMAS[event["type"]]["properties"]["data"]["properties"]
    assert set(event["data"]) == set(shape)
    assert event["data"]["sequence"] == event["sequence"]
