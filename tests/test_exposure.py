"""What the gateway refuses to start with where others can reach it."""

from __future__ import annotations

import base64
import importlib
import os
import pkgutil
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import gateway.domain
from gateway.bootstrap import check
from gateway.cli.main import app
from gateway.demo.files import encryption_key
from gateway.domain.secrets import Secret
from gateway.exposure import DEMO_KEY_ID, check_exposure, is_public, warnings_of
from gateway.serving import serve_until_stopped, work_until_stopped
from gateway.settings import Settings, SettingsError, load

RANDOM = "k1:" + base64.b64encode(os.urandom(32)).decode()
ZEROS = "k1:" + "A" * 43 + "="
GOOD = {
    "GATEWAY_ENCRYPTION_KEYS": RANDOM,
    "GATEWAY_DATABASE_URL": "postgresql://gw:kX8vQ2rT@db/gw",
    "GATEWAY_REDIS_URL": "redis://:pq93Jd8s@cache:6379/0",
}
PUBLIC = [
    {"GATEWAY_BIND": "0.0.0.0:80"},
    {"GATEWAY_BIND": "[::]:80"},
    {"GATEWAY_BIND": "192.0.2.1:80"},
    {"GATEWAY_BIND": "gateway.internal:80"},
    {"GATEWAY_PUBLIC_URL": "https://api.example.com"},
]
LOCAL = [
    {},
    {"GATEWAY_BIND": "[::1]:80"},
    {"GATEWAY_BIND": "localhost:80", "GATEWAY_PUBLIC_URL": "http://localhost:80"},
    {"GATEWAY_BIND": "127.0.0.2:80"},
]
BAD = [
    ({"GATEWAY_ENCRYPTION_KEYS": ZEROS}, "GATEWAY_ENCRYPTION_KEYS"),
    ({"GATEWAY_ENCRYPTION_KEYS": f"{RANDOM},{ZEROS}"}, "GATEWAY_ENCRYPTION_KEYS"),
    ({"GATEWAY_ENCRYPTION_KEYS": RANDOM.replace("k1", "demo")}, "GATEWAY_ENCRYPTION_KEYS"),
    (
        {"GATEWAY_ENCRYPTION_KEYS": "k:" + base64.b64encode(b"changeme" * 4).decode()},
        "GATEWAY_ENCRYPTION_KEYS",
    ),
    ({"GATEWAY_DATABASE_URL": "postgresql://postgres:postgres@db/x"}, "GATEWAY_DATABASE_URL"),
    ({"GATEWAY_DATABASE_URL": "postgresql://shop:shop@db/x"}, "GATEWAY_DATABASE_URL"),
    ({"GATEWAY_DATABASE_URL": "postgresql://a:Change%6De@db/x"}, "GATEWAY_DATABASE_URL"),
    ({"GATEWAY_REDIS_URL": "redis://:redis@cache/0"}, "GATEWAY_REDIS_URL"),
    ({"GATEWAY_LOG_LEVEL": "debug"}, "GATEWAY_LOG_LEVEL"),
]


@pytest.mark.parametrize("place", PUBLIC)
@pytest.mark.parametrize(("bad", "named"), BAD)
def test_in_public_it_is_refused_by_name_and_without_its_value(
    place: dict[str, str], bad: dict[str, str], named: str
) -> None:
    settings, _ = load(GOOD | place | bad)
    assert is_public(settings)
    with pytest.raises(SettingsError) as caught:
        check_exposure(settings)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(named)
    for text in bad.values():
        assert text == "debug" or text not in line


@pytest.mark.parametrize("place", PUBLIC)
def test_in_public_good_secrets_are_taken(place: dict[str, str]) -> None:
    check_exposure(load(GOOD | place)[0])


@pytest.mark.parametrize("place", LOCAL)
@pytest.mark.parametrize("bad", [bad for bad, _ in BAD])
def test_on_ones_own_machine_all_is_allowed(place: dict[str, str], bad: dict[str, str]) -> None:
    check_exposure(load(GOOD | place | bad)[0])


def test_all_faults_are_told_at_once() -> None:
    everything: dict[str, str] = {}
    for bad, _ in BAD:
        everything |= bad
    with pytest.raises(SettingsError) as caught:
        check_exposure(load(GOOD | PUBLIC[0] | everything)[0])
    assert len(str(caught.value).splitlines()) == 4


async def test_no_process_starts_with_them() -> None:
    settings, _ = load(GOOD | {"GATEWAY_BIND": "0.0.0.0:0", "GATEWAY_ENCRYPTION_KEYS": ZEROS})
    with pytest.raises(SettingsError, match="not random"):
        await serve_until_stopped(settings, with_workers=False)
    with pytest.raises(SettingsError, match="not random"):
        await work_until_stopped(settings)
    missing, _ = load({})
    with pytest.raises(SettingsError, match="GATEWAY_ENCRYPTION_KEYS is not set"):
        check(missing)


def test_config_check_fails_with_them_and_tells_warnings() -> None:
    run = CliRunner()
    bad = GOOD | PUBLIC[0] | {"GATEWAY_LOG_LEVEL": "debug", "GATEWAY_OPS_BIND": "0.0.0.0:81"}
    answer = run.invoke(app, ["config", "check"], env=bad)
    assert answer.exit_code == 1
    assert "GATEWAY_LOG_LEVEL: debug is for your own machine" in str(answer.exception)
    assert "warning: GATEWAY_OPS_BIND" in answer.output
    good = run.invoke(app, ["config", "check"], env=GOOD | PUBLIC[0])
    assert good.exit_code == 0, good.output
    assert "warning" not in good.output


@pytest.mark.parametrize(
    ("bind", "count"), [("127.0.0.1:1", 0), ("[::1]:1", 0), ("", 0), ("0.0.0.0:1", 1)]
)
def test_health_and_metrics_in_public_are_told(bind: str, count: int) -> None:
    assert len(warnings_of(load({"GATEWAY_OPS_BIND": bind})[0])) == count


def test_the_demos_key_is_known_by_its_id(tmp_path: Path) -> None:
    assert encryption_key(tmp_path).partition(":")[0] == DEMO_KEY_ID


# --- what shows when it is printed ---------------------------------------------------------------

SECRETS = ("kX8vQ2rT", "pq93Jd8s", RANDOM.partition(":")[2])


def test_settings_do_not_show_their_secrets() -> None:
    settings, _ = load(GOOD)
    for text in (repr(settings), str(settings), f"{settings}", repr({"settings": settings})):
        assert not [secret for secret in SECRETS if secret in text]
    assert isinstance(settings, Settings)


def domain_classes() -> list[type[Any]]:

    modules = [
        importlib.import_module(f"gateway.domain.{found.name}")
        for found in pkgutil.iter_modules(gateway.domain.__path__)
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
    ]


def test_no_domain_object_shows_a_secret_that_it_holds() -> None:
    """Every field that is a Secret, or may hold one, is filled with one; none of them shows."""

    hidden, seen = Secret("hidden-text"), 0
    for cls in domain_classes():
        if cls is Secret:
            continue
        made = object.__new__(cls)
        for field in fields(cls):
            is_secret = "Secret" in str(field.type)
            seen += is_secret
            object.__setattr__(made, field.name, hidden if is_secret else None)
        try:
            text = repr(made)
        except (AttributeError, TypeError):
            continue  # Its own repr needs what a real one has; it holds no secret.
        assert "hidden-text" not in text, cls
    assert seen >= 10
    assert "hidden-text" not in repr(replace(hidden))


#: Texts and bytes whose names say secret and that may show, and why.
NOT_SECRET = {
    "Client.secret_digest": "the SHA-256 of 256 random bits",
    "Caller.token_id": "names a token, and is none",
}


def test_what_is_named_like_a_secret_is_one() -> None:
    found = {
        f"{cls.__name__}.{field.name}"
        for cls in domain_classes()
        for field in fields(cls)
        if field.repr
        and any(word in field.name for word in ("password", "secret", "api_pass", "token"))
        and any(word in str(field.type) for word in ("str", "bytes"))
    }
    assert found <= set(NOT_SECRET)
