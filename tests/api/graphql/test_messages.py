"""Whatever is sent is a message, or a reason to hang up; and a request, or a refusal."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.api.graphql.http import request_of
from gateway.api.graphql.messages import (
    REASON_BYTES_MAX,
    Code,
    Hangup,
    Message,
    cut_reason,
    message_of,
)
from gateway.api.graphql.request import GraphqlRequest
from gateway.domain.errors import InvalidRequest

WORDS = st.sampled_from(
    ["type", "id", "payload", "query", "variables", "documentId", "subscribe", "ping", "complete"]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)


@given(VALUES | st.fixed_dictionaries({"type": WORDS, "id": VALUES, "payload": VALUES}))
def test_every_json_value_is_a_message_or_a_reason_to_hang_up(value: object) -> None:
    code, reason = None, ""
    try:
        message = message_of(json.dumps(value))
    except Hangup as it:
        code, reason = it.code, cut_reason(it.reason)
    else:
        assert isinstance(message, Message)
        assert isinstance(value, dict)
        assert message.type == value["type"]
    assert code in {None, Code.INVALID_MESSAGE}
    assert reason == "" or reason.startswith("Invalid message: ")


@given(VALUES)
def test_every_json_value_is_a_request_or_refused(value: object) -> None:
    with suppress(InvalidRequest):
        request = request_of(value)
        assert isinstance(request, GraphqlRequest)
        assert (request.query is None) != (request.document_id is None)


@given(st.text())
def test_a_reason_fits_into_a_close_frame(reason: str) -> None:
    cut = cut_reason(reason)
    assert len(cut.encode()) <= REASON_BYTES_MAX
    assert reason.startswith(cut)
