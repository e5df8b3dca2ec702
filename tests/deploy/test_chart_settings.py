"""The gateway reads from the chart what the values say, and the chart has every setting."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import Settings, load
from tests.deploy.charts import EVERYTHING, LITTLE, Chart, Manifest, one, pod_specs
from tests.deploy.made import (
    SCHEMA,
    VALUES,
    YAML_PART,
    schema_text,
    secret_names,
    settings,
    settings_yaml,
)

SECRETS = {
    "database_url": "postgresql://gateway:pw@db.example/gateway",
    "redis_url": "redis://:pw@redis.example:6379/0",
    "encryption_keys": f"k1:{base64.b64encode(bytes(32)).decode()}",
}


@pytest.mark.parametrize(
    ("file", "made"),
    [
        (VALUES, lambda text: YAML_PART.sub(lambda _: settings_yaml(), text)),
        (SCHEMA, lambda _: schema_text()),
    ],
    ids=["values.yaml", "values.schema.json"],
)
def test_the_chart_has_each_setting_as_the_gateway_has_it(file: Path, made: Any) -> None:
    text = file.read_text(encoding="utf-8")
    fresh = made(text)
    if os.environ.get("GOLDEN"):
        file.write_text(fresh, encoding="utf-8")
        return
    assert text == fresh, f"{file.name} is old; run: make golden K=the_chart_has"


def test_each_secret_setting_is_an_entry_of_the_secret() -> None:
    values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    assert set(values["existingSecret"]["keys"]) == secret_names()


def test_every_setting_is_covered() -> None:
    values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    flat = {f"{group}__{name}" for group in values["settings"] for name in _names(values, group)}
    plain = {name.removesuffix("__") for name in flat}
    assert plain | secret_names() == {setting.name for setting in settings()}


def _names(values: dict[str, Any], group: str) -> list[str]:
    found = values["settings"][group]
    return list(found) if isinstance(found, dict) else [""]


# --- what the processes read -----------------------------------------------------------------


def read(manifests: list[Manifest], owner: str, folder: Path) -> Settings:
    """Return what the gateway in one pod loads from its environment."""
    pod = next(spec for name, spec in pod_specs(manifests) if name.endswith(owner))
    (container,) = pod["containers"]
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        assert source == {"configMapRef": {"name": "gw-xtream-gateway-settings"}}
        variables |= one(manifests, "ConfigMap")["data"]
    variables |= {it["name"]: it["value"] for it in container["env"] if "value" in it}
    for name, path in variables.items():
        if name.endswith("_FILE"):
            variables[name] = str(_mounted(pod, container, Path(path), folder))
    found, source_of = load(variables)
    assert source_of.unknown == []
    return found


def _mounted(pod: Manifest, container: Manifest, path: Path, folder: Path) -> Path:
    """Follow a path in the container to the entry of the Secret, and write that one down."""
    (mount,) = [it for it in container["volumeMounts"] if Path(it["mountPath"]) == path.parent]
    (volume,) = [it for it in pod["volumes"] if it["name"] == mount["name"]]
    keys = {it["path"]: it["key"] for it in volume["secret"]["items"]}
    names = {"database-url": "database_url", "redis-url": "redis_url", "REDIS_URL": "redis_url"}
    name = names.get(keys[path.name], "encryption_keys")
    file = folder / name
    file.write_text(SECRETS[name], encoding="utf-8")
    return file


#: What the chart itself tells a process.
OF_OWNER: dict[str, dict[str, Any]] = {
    "-api": {"bind": "0.0.0.0:8080", "ops_bind": "0.0.0.0:8081"},
    "-worker": {"heartbeat_path": "/tmp/heartbeat"},
}


@pytest.mark.parametrize("owner", ["-api", "-worker", "-migrate"])
def test_by_default_a_process_reads_the_defaults(chart: Chart, owner: str, tmp_path: Path) -> None:
    expected = Settings.model_validate(SECRETS | OF_OWNER.get(owner, {}))
    assert read(chart.render({}), owner, tmp_path) == expected


@pytest.mark.parametrize("owner", ["-worker", "-migrate"])
def test_what_is_set_is_what_a_process_reads(chart: Chart, owner: str, tmp_path: Path) -> None:
    changed = EVERYTHING["settings"] | {"public_url": "https://api.example.org"}
    expected = Settings.model_validate(SECRETS | changed | OF_OWNER.get(owner, {}))
    assert read(chart.render(EVERYTHING), owner, tmp_path) == expected


def test_without_redis_no_process_asks_for_one(chart: Chart, tmp_path: Path) -> None:
    assert read(chart.render(LITTLE), "-api", tmp_path).redis_url == ""


def test_the_public_url_is_that_of_the_ingress_unless_it_is_set(chart: Chart) -> None:
    ingress = {"enabled": True, "hosts": ["a.example"]}
    given = {"settings": {"public_url": "https://b.example/x"}, "ingress": ingress}

    def public_url(values: dict[str, Any]) -> str:
        found: str = one(chart.render(values), "ConfigMap")["data"]["GATEWAY_PUBLIC_URL"]
        return found

    assert public_url({"ingress": ingress}) == "http://a.example"
    assert public_url({"ingress": ingress | {"tlsSecretName": "t"}}) == "https://a.example"
    assert public_url(given) == "https://b.example/x"


def test_a_change_of_settings_starts_pods_anew_and_nothing_else_does(chart: Chart) -> None:
    def marks(values: dict[str, Any]) -> list[str]:
        deployments = [it for it in chart.render(values) if it["kind"] == "Deployment"]
        return [
            it["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for it in deployments
        ]

    before = marks({})
    assert marks({"api": {"replicas": 5}}) == before
    after = marks({"settings": {"log_level": "debug"}})
    assert not set(before) & set(after)


def test_no_secret_is_in_what_is_rendered(chart: Chart, values: dict[str, Any]) -> None:
    """There is no value that could hold one: secrets go from the Secret to files, unseen."""
    manifests = chart.render(values)
    assert "Secret" not in {it["kind"] for it in manifests}
    rendered = json.dumps(manifests)
    secret = {f"GATEWAY_{name.upper()}" for name in secret_names()}
    assert [name for name in secret if f'"{name}"' in rendered] == []
