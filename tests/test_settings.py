"""Settings: where each comes from, which source wins, and all faults at once without values."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, SettingsError, load, shown

KEYS = "k1:" + "A" * 43 + "="


def row(variable: str, settings: Settings, environ: dict[str, str]) -> tuple[str, str]:
    """Return value and origin as `config check` shows them."""
    loaded, source = load(environ)
    assert loaded == settings
    ((_, value, origin, description),) = [
        found for found in shown(loaded, source) if found[0] == variable
    ]
    assert description.endswith(".")
    return value, origin


def test_without_anything_the_defaults_of_the_contract_hold() -> None:
    settings, source = load({})
    assert settings == Settings()
    assert settings.change_deadline_seconds == 20
    assert settings.panels.settle_seconds == 300
    assert settings.cache.info_ttl_seconds == 60
    assert settings.cache.stale_if_error_seconds == 86_400
    assert settings.redis_url == ""
    assert settings.trusted_proxies == ()
    assert settings.encryption_keys is None
    assert settings.database_url.startswith("sqlite:///")
    assert (source.origins, source.unknown) == ({}, [])


def test_variables_reach_nested_settings_and_lists() -> None:
    settings, source = load(
        {
            "GATEWAY_BIND": "0.0.0.0:80",
            "GATEWAY_PANELS__SETTLE_SECONDS": "7",
            "GATEWAY_CACHE__INFO_TTL_SECONDS": "5",
            "GATEWAY_TRUSTED_PROXIES": " 10.0.0.0/8 , 2001:db8::/32,,192.0.2.1",
            "GATEWAY_CHANGE_DEADLINE_SECONDS": "2.5",
            "GATEWAY_ENCRYPTION_KEYS": KEYS,
            "PATH": "/bin",
            "GATEWAY": "x",
        }
    )
    assert settings.bind == "0.0.0.0:80"
    assert settings.panels.settle_seconds == 7
    assert settings.cache.info_ttl_seconds == 5
    assert settings.trusted_proxies == ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1")
    assert settings.change_deadline_seconds == 2.5
    assert settings.encryption_keys is not None
    assert settings.encryption_keys.get_secret_value() == KEYS
    assert source.origins["panels.settle_seconds"] == "GATEWAY_PANELS__SETTLE_SECONDS"
    assert source.unknown == []


def test_an_empty_optional_setting_is_an_absent_one() -> None:
    settings, _ = load({"GATEWAY_OPS_BIND": "", "GATEWAY_ENCRYPTION_KEYS": ""})
    assert settings.ops_bind is None
    assert settings.encryption_keys is None


def test_a_file_holds_a_value_and_loses_its_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(KEYS + "\r\n", encoding="utf-8")
    settings, source = load({"GATEWAY_ENCRYPTION_KEYS_FILE": str(path)})
    assert settings.encryption_keys is not None
    assert settings.encryption_keys.get_secret_value() == KEYS
    assert source.origins["encryption_keys"] == "file in GATEWAY_ENCRYPTION_KEYS_FILE"
    nested = tmp_path / "seconds"
    nested.write_text("9\n", encoding="utf-8")
    settings, _ = load({"GATEWAY_PANELS__SETTLE_SECONDS_FILE": str(nested)})
    assert settings.panels.settle_seconds == 9


@pytest.mark.parametrize(
    "variable", ["GATEWAY_ENCRYPTION_KEYS_FILE", "GATEWAY_CONFIG_FILE", "GATEWAY_BIND_FILE"]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, variable: str) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(SettingsError, match=variable) as caught:
            load({variable: str(path)})
        assert str(path) in str(caught.value)


def test_the_variable_wins_over_its_file_and_both_over_the_yaml(tmp_path: Path) -> None:
    yaml, value = tmp_path / "gateway.yaml", tmp_path / "value"
    yaml.write_text(
        "bind: 127.0.0.1:1\nops_bind: 127.0.0.1:2\nlog_level: debug\n"
        "panels:\n  settle_seconds: 11\ntrusted_proxies: [10.0.0.0/8]\n",
        encoding="utf-8",
    )
    value.write_text("127.0.0.1:3\n", encoding="utf-8")
    environ = {
        "GATEWAY_CONFIG_FILE": str(yaml),
        "GATEWAY_BIND_FILE": str(value),
        "GATEWAY_OPS_BIND_FILE": str(value),
        "GATEWAY_OPS_BIND": "127.0.0.1:4",
        "GATEWAY_CACHE__INFO_TTL_SECONDS": "6",
    }
    settings, _ = load(environ)
    for variable, value_shown, origin in (
        ("GATEWAY_BIND", "127.0.0.1:3", "file in GATEWAY_BIND_FILE"),
        ("GATEWAY_OPS_BIND", "127.0.0.1:4", "GATEWAY_OPS_BIND"),
        ("GATEWAY_LOG_LEVEL", "debug", str(yaml)),
        ("GATEWAY_PANELS__SETTLE_SECONDS", "11", str(yaml)),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8", str(yaml)),
        ("GATEWAY_CACHE__INFO_TTL_SECONDS", "6", "GATEWAY_CACHE__INFO_TTL_SECONDS"),
        ("GATEWAY_REDIS_URL", "", "default"),
    ):
        assert row(variable, settings, environ) == (value_shown, origin)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just a text", "7"])
def test_a_yaml_file_is_a_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="not a mapping"):
        load({"GATEWAY_CONFIG_FILE": str(path)})


@pytest.mark.parametrize("text", ["a: [", "\tbind: x", "bind: 'x", "a: b: c", "!!python/name:os.x"])
def test_a_broken_yaml_file_is_a_fault_of_its_variable(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("encryption_keys: s3cret\n" + text, encoding="utf-8")
    with pytest.raises(SettingsError, match="GATEWAY_CONFIG_FILE") as caught:
        load({"GATEWAY_CONFIG_FILE": str(path)})
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"\xff\xfe s3cret")
    for variable in ("GATEWAY_ENCRYPTION_KEYS_FILE", "GATEWAY_CONFIG_FILE"):
        with pytest.raises(SettingsError, match=variable):
            load({variable: str(path)})


def test_an_empty_yaml_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert load({"GATEWAY_CONFIG_FILE": str(path)})[0] == Settings()


def test_an_unknown_name_in_the_yaml_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("panels:\n  settle: 3\nnonsense: s3cret\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load({"GATEWAY_CONFIG_FILE": str(path)})
    assert "GATEWAY_PANELS__SETTLE" in str(caught.value)
    assert "GATEWAY_NONSENSE" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_variable_is_told_and_not_refused() -> None:
    settings, source = load(
        {
            "GATEWAY_PORT": "tcp://10.0.0.1:80",
            "GATEWAY_PANELS__NONSENSE": "x",
            "GATEWAY_BIND__HOST": "x",
            "GATEWAY_NONSENSE__A__B": "x",
        }
    )
    assert settings == Settings()
    assert set(source.unknown) == {
        *("GATEWAY_PORT", "GATEWAY_PANELS__NONSENSE", "GATEWAY_BIND__HOST"),
        "GATEWAY_NONSENSE__A__B",
    }


def test_all_faults_are_told_at_once_and_no_value() -> None:
    wrong = {
        "GATEWAY_BIND": "s3cret",
        "GATEWAY_OPS_BIND": "localhost:99999",
        "GATEWAY_CHANGE_DEADLINE_SECONDS": "s3cret",
        "GATEWAY_PANELS__SETTLE_SECONDS": "0",
        "GATEWAY_CACHE__INFO_TTL_SECONDS": "1.5",
        "GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8,s3cret",
        "GATEWAY_LOG_FORMAT": "s3cret",
        "GATEWAY_LOG_LEVEL": "loud",
        "GATEWAY_DRAIN_SECONDS": "-1",
    }
    with pytest.raises(SettingsError) as caught:
        load(wrong)
    lines = str(caught.value).splitlines()
    assert "s3cret" not in str(caught.value)
    assert {line.partition(":")[0].removesuffix("__1") for line in lines} == set(wrong)


def test_secrets_are_hidden_and_their_origin_is_not(tmp_path: Path) -> None:
    environ = {
        "GATEWAY_ENCRYPTION_KEYS": KEYS,
        "GATEWAY_DATABASE_URL": "postgresql://gateway:s3cret@db.example:5432/gateway",
        "GATEWAY_REDIS_URL": "redis://:s3cr@t@redis.example/0",
    }
    settings, source = load(environ)
    rows = shown(settings, source)
    text = str(rows)
    for secret in (KEYS, "A" * 43, "s3cret", "s3cr@t", "s3cr"):
        assert secret not in text
    by_name = {name: (value, origin) for name, value, origin, _ in rows}
    assert by_name["GATEWAY_DATABASE_URL"] == (
        "postgresql://***@db.example:5432/gateway",
        "GATEWAY_DATABASE_URL",
    )
    assert by_name["GATEWAY_REDIS_URL"][0] == "redis://***@redis.example/0"
    assert by_name["GATEWAY_ENCRYPTION_KEYS"] == ("***", "GATEWAY_ENCRYPTION_KEYS")
    assert KEYS not in repr(settings)


def test_every_setting_is_shown_with_its_sentence() -> None:
    settings, source = load({})
    rows = shown(settings, source)
    assert all(description.strip() for _, _, _, description in rows)
    assert {origin for _, _, origin, _ in rows} == {"default"}
    assert {"GATEWAY_BIND", "GATEWAY_PANELS__SETTLE_SECONDS"} <= {name for name, *_ in rows}
    assert len(rows) == len({name for name, *_ in rows})


def test_the_public_address_is_that_of_the_bind_where_none_is_given() -> None:
    assert Settings(bind="127.0.0.1:1").url == "http://127.0.0.1:1"
    assert Settings(public_url="https://gateway.example/").url == "https://gateway.example"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().bind = "127.0.0.1:1"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["DEFAULT", "RESELLER", "TARGET"])
@pytest.mark.parametrize("text", ["", "fast", "60", "0/60", "60/0", "20000/1"])
def test_a_rate_is_requests_by_seconds(name: str, text: str) -> None:
    variable = f"GATEWAY_LIMITS__{name}"
    with pytest.raises(SettingsError, match=variable):
        load({variable: text})
    settings, _ = load({variable: "600/60"})
    assert getattr(settings.limits, name.lower()) == "600/60"


def test_places_that_webhooks_may_go_to_all_the_same_are_a_list() -> None:
    variable = "GATEWAY_DANGEROUS_WEBHOOK_TARGETS"
    settings, _ = load({variable: "127.0.0.1:9000, receiver:80,[::1]:90"})
    assert settings.dangerous_webhook_targets == ("127.0.0.1:9000", "receiver:80", "[::1]:90")
    assert load({variable: ""})[0].dangerous_webhook_targets == ()
    for wrong in ("receiver", "http://receiver:80", "receiver:80/x", "*:80", "127.1:80"):
        with pytest.raises(SettingsError, match=rf"{variable}__0: .*must be host:port"):
            load({variable: wrong})
