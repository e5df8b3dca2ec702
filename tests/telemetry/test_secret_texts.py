"""Secrets inside texts, one form a line."""

from __future__ import annotations

import pytest

from gateway.telemetry.secret_texts import is_secret_name, redact_text

KEY = "xgw_" + "Ab3" * 14 + "Z"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "newPassword",
        "PASSWORD",
        "user_data[password]",
        "user_data%5Bpassword%5D",
        "secret",
        "client_secret",
        "token",
        "access-token",
        "Authorization",
        "Proxy-Authorization",
        "key",
        "keys",
        "api_key",
        "apiKey",
        "X-Api-Key",
        "api_pass",
        "GATEWAY_ENCRYPTION_KEYS",
        "credentials",
        "Set-Cookie",
        "pwd",
        "db.pass",
        "jwt",
        "dsn",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "event",
        "key_id",
        "idempotency_key",
        "token_type",
        "bypass",
        "monkey",
        "passed",
        "author",
        "pinned",
        "username",
        "line_id",
        "",
    ],
)
def test_names_of_what_may_be_seen(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"used {KEY} twice", "used xgw_*** twice"),
        (f"cut off {KEY[:14]}", "cut off xgw_***"),
        (f"used xgs_{KEY[4:]} twice", "used xgs_*** twice"),
        ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD is it", "whsec_*** is it"),
        ("sent Bearer abc.def-ghi today", "sent Bearer *** today"),
        ("jwt-like eyJhbGciOi.eyJzdWIi.c2ln end", "jwt-like *** end"),
        ("at redis://user:p@ss/w0rd@host:6379/0", "at redis://***@host:6379/0"),
        ("at redis://:hunter2@host", "at redis://***@host"),
        ("GET /v1/lines?cursor=abc&q=x HTTP/1.1", "GET /v1/lines?*** HTTP/1.1"),
        ("http://p/player_api.php?username=u&password=v", "http://p/player_api.php?***"),
        ("http://p:80/live/alice/s3cret/12.ts", "http://p:80/live/***/***/12.ts"),
        ("a=1&user_data%5Bpassword%5D=h%26x&b=1", "a=1&user_data%5Bpassword%5D=***&b=1"),
        ("username=u&password=hunter2&x=1", "username=u&password=***&x=1"),
        ('{"password": "a \\" b", "n": 1}', '{"password": ***, "n": 1}'),
        ("{'api_pass': 'it is', 'n': 1}", "{'api_pass': ***, 'n': 1}"),
        ('{"keys": ["a", "b"], "n": 1}', '{"keys": ***, "n": 1}'),
        ('{"secret": {"a": "b"}, "n": 1}', '{"secret": ***, "n": 1}'),
        (r'{\"token\": \"abc\"', r'{\"token\": ***'),
        ("password: correct horse, battery", "password: ***"),
        ("Authorization: Digest username=u", "Authorization: ***"),
        ("Credentials(username='u', password='p')", "Credentials(username='u', password=***)"),
        ("[('password', 'p'), ('a', 'b')]", "[('password', ***), ('a', 'b')]"),
        ("sent b'api_key=abc'", "sent b***"),
        ("sent b'\\x00\\'' once", "sent b*** once"),
        ('password = "never closed', "password = ***"),
        ("-----BEGIN A KEY-----\nMII\nabc\n-----END A KEY-----\nok", "-----***-----\nok"),
        ("-----BEGIN EC PRIVATE KEY-----\nMII", "-----***-----"),
    ],
)  # fmt: skip
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "line.created",
        "KeyError: 'line'",
        "TokenExpiredError: it ended",
        'File "/app/gateway/services/keys.py", line 3, in issue',
        "key_id=key_01 prefix=xgw_AbCdEfGh",
        "what is it?",
        "http://panel:25461/api.php",
        "bypass: on",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_long_hostile_texts_are_quick() -> None:
    """Looking stays linear: these would take minutes where it is not."""
    parts = (
        "pass", "a_", "key[", "?", '\\"', "secret", "password='", "x://", "/live/", "eyJ.", "eyJa",
        "-----BEGIN", "bearer ", "@", "%5B", "token:\n", "pin=", "=&", "[", "{",
    )  # fmt: skip
    for text in (part * (16_000 // len(part)) for part in parts):
        redact_text(text)
        redact_text(text + "password=" + text)
