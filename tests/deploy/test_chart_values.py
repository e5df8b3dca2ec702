"""A wrong value is refused before anything is installed, and all faults are told at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.deploy.charts import Chart, Refused
from tests.deploy.made import SCHEMA, VALUES

#: Each alone is refused; the words are in what Helm says.
WRONG: list[tuple[str, Any]] = [
    ("unknown", 1),
    ("nameOverride", "With Capitals"),
    ("fullnameOverride", "x" * 53),
    ("image.unknown", "x"),
    ("image.repository", ""),
    ("image.repository", "Upper/Case"),
    ("image.tag", "latest"),
    ("image.tag", "a b"),
    ("image.digest", "sha256:short"),
    ("image.pullPolicy", "Sometimes"),
    ("image.pullSecrets", "pull"),
    ("existingSecret.name", ""),
    ("existingSecret.name", "Not_A_Name"),
    ("existingSecret.keys.database_url", ""),
    ("existingSecret.keys.encryption_keys", ""),
    ("existingSecret.keys.redis_url", "a/b"),
    ("existingSecret.keys.unknown", "x"),
    ("existingSecret.values", {"database_url": "postgresql://u:p@h/n"}),
    ("settings.unknown", 1),
    ("settings.bind", "0.0.0.0:8080"),
    ("settings.database_url", "postgresql://u:p@h/n"),
    ("settings.encryption_keys", "k1:AAAA"),
    ("settings.cache.unknown", 1),
    ("settings.cache.info_ttl_seconds", 0),
    ("settings.cache.info_ttl_seconds", "60"),
    ("settings.cache.stale_if_error_seconds", 604_801),
    ("settings.change_deadline_seconds", 0),
    ("settings.change_deadline_seconds", 61),
    ("settings.drain_seconds", 601),
    ("settings.drain_seconds", None),
    ("settings.log_format", "xml"),
    ("settings.log_level", "trace"),
    ("settings.panels.settle_seconds", 1.5),
    ("settings.public_url", "gateway.example"),
    ("settings.trusted_proxies", "10.0.0.0/8"),
    ("settings.trusted_proxies", ["everybody"]),
    ("extraEnv", [{"name": "GATEWAY_LOG_LEVEL", "value": "debug"}]),
    ("extraEnv", [{"name": "A"}]),
    ("extraEnv", [{"name": "A", "value": "b", "secretKeyRef": {"name": "s", "key": "k"}}]),
    ("extraEnv", [{"name": "A", "value": 1}]),
    ("worker.probes.liveness", {"periodSeconds": 0}),
    ("worker.probes.readiness", {"periodSeconds": 5}),
    ("api.replicas", -1),
    ("api.replicas", "2"),
    ("api.resources", {"limits": None}),
    ("api.resources.requests.memory", "lots"),
    ("api.resources.limits.gpu", 1),
    ("api.preStopSleepSeconds", 121),
    ("api.probes.liveness.periodSeconds", 0),
    ("api.probes.liveness.exec", {"command": ["true"]}),
    ("api.autoscaling.targetCPUUtilizationPercentage", 0),
    ("api.podDisruptionBudget.maxUnavailable", "101%"),
    ("api.topologySpread.whenUnsatisfiable", "Never"),
    ("api.podAnnotations", {"a": 1}),
    ("api.podLabels", {"app.kubernetes.io/name": "other"}),
    ("api.nodeSelector", {"a": True}),
    ("api.tolerations", [{"effect": "Sometimes"}]),
    ("api.priorityClassName", "High"),
    ("worker.replicas", 21),
    ("worker.autoscaling", {"enabled": True}),
    ("migration.backoffLimit", 11),
    ("migration.activeDeadlineSeconds", 1),
    ("service.type", "ExternalName"),
    ("service.port", 0),
    ("opsService.type", "LoadBalancer"),
    ("opsService.port", 65_536),
    ("ingress.enabled", "yes"),
    ("ingress", {"enabled": True}),
    ("ingress.hosts", ["*.example.org"]),
    ("ingress.hosts", ["https://example.org"]),
    ("ingress.tlsSecretName", ["a"]),
    ("serviceAccount.automount", True),
    ("networkPolicy.allowApiFrom", [{}]),
    ("networkPolicy.allowOpsFrom", [{"ipBlock": {"cidr": "everywhere"}}]),
    ("networkPolicy.egress", [{"ports": [{"port": 5432}]}]),
]


def nested(path: str, value: Any) -> dict[str, Any]:
    """Return the values that set one path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


@pytest.mark.parametrize(
    ("path", "value"), WRONG, ids=[f"{path}={json.dumps(value)[:40]}" for path, value in WRONG]
)
def test_a_wrong_value_is_refused_by_its_place(chart: Chart, path: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        chart.render(nested(path, value))
    place = path.split(".")[-2 if path.count(".") else -1]
    assert "don't meet the specifications of the schema" in str(refused.value)
    assert place in str(refused.value)


def test_all_faults_are_told_at_once(chart: Chart) -> None:
    with pytest.raises(Refused) as refused:
        chart.render(
            {
                "image": {"tag": "latest"},
                "settings": {"log_level": "loud", "cache": {"info_ttl_seconds": 0}},
                "worker": {"replicas": -1},
            }
        )
    for place in ("tag", "log_level", "info_ttl_seconds", "replicas"):
        assert place in str(refused.value)


def objects(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of an object, with its path."""
    if isinstance(part, list):
        for number, inner in enumerate(part):
            yield from objects(inner, f"{path}/{number}")
    elif isinstance(part, dict):
        if part.get("type") == "object":
            yield path, part
        for name, inner in part.items():
            yield from objects(inner, f"{path}/{name}")


def test_every_object_of_the_schema_is_closed() -> None:
    """Its members are listed, or it is a map with names and values of a given form."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    of_helm = "/properties/global"
    for path, part in objects(schema):
        if path == of_helm:
            continue
        rest = part.get("additionalProperties")
        assert rest is False or (isinstance(rest, dict) and "propertyNames" in part), path


def test_every_default_is_in_the_schema_and_the_other_way_round() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))

    def compare(part: dict[str, Any], defaults: dict[str, Any], path: str) -> None:
        names = set(part["properties"]) - ({"global"} if not path else set())
        assert names == set(defaults), path
        for name in names:
            if "properties" in part["properties"][name]:
                compare(part["properties"][name], defaults[name], f"{path}.{name}")
            else:
                assert part["properties"][name]["description"], f"{path}.{name}"

    compare(schema, values, "")
