"""The schemas of what webhooks send."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from gateway.api.event_schemas import NOT_SENT, event_schemas
from gateway.domain.events import MEANINGS, EventType

SCHEMAS = event_schemas()


def test_every_type_that_is_sent_has_a_schema_and_a_meaning() -> None:
    assert set(SCHEMAS) == set(EventType) - NOT_SENT
    assert set(MEANINGS) == set(EventType)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_example_is_valid_and_whole(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    (example,) = schema["examples"]
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    validator.validate(example)
    assert set(example["data"]) == set(schema["properties"]["data"]["properties"])
    for member in example["data"]:
        less = {key: value for key, value in example["data"].items() if key != member}
        assert not validator.is_valid(example | {"data": less}), member
