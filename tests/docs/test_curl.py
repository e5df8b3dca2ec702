"""The small reading of curl that the examples are run with."""

from __future__ import annotations

import pytest

from tests.docs.curl import Request, parse_curl


def test_a_command_is_read_as_curl_reads_it() -> None:
    text = """curl -sS "$BASE/v1/lines" -H "Authorization: Bearer $KEY" \\
      -H 'If-Match: "1"' --json '{"price": "$5"}'
    """
    assert parse_curl(text, {"BASE": "http://a", "KEY": "k"}) == Request(
        url="http://a/v1/lines",
        method="POST",
        headers={
            "Authorization": "Bearer k",
            "If-Match": '"1"',
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        body='{"price": "$5"}',
    )


def test_the_method_is_get_unless_there_is_a_body_or_a_word_for_it() -> None:
    assert parse_curl("curl -sS http://a", {}).method == "GET"
    assert parse_curl("curl -sS http://a -d x", {}).method == "POST"
    assert parse_curl("curl -sS -X PATCH http://a -d x", {}).method == "PATCH"


def test_data_are_a_form_unless_a_header_says_otherwise() -> None:
    form = parse_curl("curl -sS http://a -d x=1", {})
    assert form.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    parts = parse_curl("curl -sS http://a -u me:x -d a=1 --data-urlencode b=http://c", {})
    assert parts.body == "a=1&b=http%3A%2F%2Fc"
    assert parts.headers["Authorization"] == "Basic bWU6eA=="
    json = parse_curl("curl -sS http://a -H 'Content-Type: application/json' -d 1", {})
    assert json.headers == {"Content-Type": "application/json"}


@pytest.mark.parametrize("text", ["wget http://a", "curl --insecure http://a", "curl http://a 'b"])
def test_what_is_not_understood_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"curl|quote"):
        parse_curl(text, {})


def test_a_variable_that_nothing_set_is_an_error() -> None:
    with pytest.raises(KeyError):
        parse_curl("curl $WHAT", {})
