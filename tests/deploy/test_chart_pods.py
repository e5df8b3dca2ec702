"""Every pod is "restricted", bounded, watched, and goes without losing a request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from gateway.settings import Settings
from gateway.workers.heart import BEAT_EVERY_SECONDS
from tests.deploy.charts import EVERYTHING, LITTLE, Chart, Manifest, containers, one, pod_specs

#: What the pod security standard "restricted" lets a pod mount.
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def test_there_is_a_pod_for_each_role_and_one_to_test(chart: Chart) -> None:
    roles = {
        label.partition("/")[2]: container.get("args")
        for label, container in containers(chart.render({}))
        if "command" not in container
    }
    assert roles == {
        "gw-xtream-gateway-api/api": ["serve"],
        "gw-xtream-gateway-worker/worker": ["work"],
        "gw-xtream-gateway-migrate/migrate": ["migrate"],
    }


def test_pods_are_restricted(manifests: list[Manifest]) -> None:
    for label, pod in pod_specs(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True, label
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, label
        assert min(pod["securityContext"][it] for it in ("runAsUser", "runAsGroup")) > 0, label
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod), label
        for volume in pod.get("volumes", []):
            assert set(volume) - {"name"} <= VOLUMES, label


def test_containers_are_restricted(manifests: list[Manifest]) -> None:
    for label, container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, label
        assert not [port for port in container.get("ports", []) if "hostPort" in port], label


def test_no_pod_can_ask_kubernetes_anything(manifests: list[Manifest]) -> None:
    for label, pod in pod_specs(manifests):
        assert pod["automountServiceAccountToken"] is False, label
    for manifest in manifests:
        if manifest["kind"] == "ServiceAccount":
            assert manifest["automountServiceAccountToken"] is False


def test_no_pod_gets_variables_of_services(manifests: list[Manifest]) -> None:
    for label, pod in pod_specs(manifests):
        assert pod["enableServiceLinks"] is False, label


def test_each_container_has_requests_and_a_limit_of_memory(manifests: list[Manifest]) -> None:
    for label, container in containers(manifests):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), label
        assert "memory" in container["resources"]["limits"], label


def test_all_write_to_tmp_only_and_that_is_bounded(manifests: list[Manifest]) -> None:
    for label, pod in pod_specs(manifests):
        writable = [
            mount["mountPath"]
            for container in pod["containers"]
            for mount in container.get("volumeMounts", [])
            if not mount.get("readOnly")
        ]
        assert writable in ([], ["/tmp"]), label
        for volume in pod.get("volumes", []):
            assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], label


def test_the_image_is_this_version_unless_it_is_named(chart: Chart) -> None:
    def images(values: dict[str, Any]) -> set[str]:
        return {container["image"] for _, container in containers(chart.render(values))}

    digest = f"sha256:{'0' * 64}"
    assert images({}) == {f"xtream-gateway:{__version__}"}
    assert images({"image": {"tag": "1.2.3"}}) == {"xtream-gateway:1.2.3"}
    assert images({"image": {"tag": "1.2.3", "digest": digest}}) == {f"xtream-gateway@{digest}"}


# --- life ------------------------------------------------------------------------------------


def test_the_api_is_probed_on_the_port_for_operations(manifests: list[Manifest]) -> None:
    (api,) = one(manifests, "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    paths = {
        name: (api[name]["httpGet"]["path"], api[name]["httpGet"]["port"])
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": ("/livez", "ops"),
        "livenessProbe": ("/livez", "ops"),
        "readinessProbe": ("/readyz", "ops"),
    }
    ports = {it["name"]: str(it["containerPort"]) for it in api["ports"]}
    binds = {it["name"]: it.get("value", "") for it in api["env"]}
    assert binds["GATEWAY_BIND"].endswith(f":{ports['http']}")
    assert binds["GATEWAY_OPS_BIND"].endswith(f":{ports['ops']}")


def test_a_worker_is_probed_by_the_age_of_its_file(
    manifests: list[Manifest], tmp_path: Path
) -> None:
    (worker,) = one(manifests, "Deployment", "-worker")["spec"]["template"]["spec"]["containers"]
    (path,) = [it["value"] for it in worker["env"] if it["name"] == "GATEWAY_HEARTBEAT_PATH"]
    assert Path(path).parent == Path("/tmp")  # The only folder that it can write to.
    (_, code_flag, code) = worker["livenessProbe"]["exec"]["command"]
    assert worker["startupProbe"]["exec"] == worker["livenessProbe"]["exec"]
    file = tmp_path / "heartbeat"

    def passes(touched_seconds_ago: float | None) -> bool:
        if touched_seconds_ago is not None:
            file.touch()
            moment = file.stat().st_mtime - touched_seconds_ago
            os.utime(file, (moment, moment))
        done = subprocess.run(
            [sys.executable, code_flag, code],
            env={"GATEWAY_HEARTBEAT_PATH": str(file)},
            check=False,
            capture_output=True,
        )
        return done.returncode == 0

    assert [passes(age) for age in (None, 0, 2 * BEAT_EVERY_SECONDS, 90)] == [
        *(False, True, True, False)
    ]


@pytest.mark.parametrize("drain", [0, 2.5, 600])
def test_a_pod_is_given_the_time_that_the_gateway_takes_to_stop(chart: Chart, drain: float) -> None:
    manifests = chart.render(
        {
            "settings": {"drain_seconds": drain, "drain_notice_seconds": 1.5},
            "api": {"preStopSleepSeconds": 7},
        }
    )
    api = one(manifests, "Deployment", "-api")["spec"]["template"]["spec"]
    worker = one(manifests, "Deployment", "-worker")["spec"]["template"]["spec"]
    assert api["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert api["terminationGracePeriodSeconds"] >= 7 + 1.5 + drain + 5
    assert worker["terminationGracePeriodSeconds"] >= drain + 5


def test_by_default_a_pod_outlives_the_default_drain(chart: Chart) -> None:
    for manifest in chart.render({}):
        if manifest["kind"] == "Deployment":
            pod = manifest["spec"]["template"]["spec"]
            assert pod["terminationGracePeriodSeconds"] > Settings().drain_seconds + 5


def test_an_update_never_takes_a_pod_before_the_next_one_is_ready(
    manifests: list[Manifest],
) -> None:
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            assert manifest["spec"]["strategy"] == {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            }


def test_pods_are_spread(chart: Chart) -> None:
    for manifest in chart.render({}):
        if manifest["kind"] != "Deployment":
            continue
        spread = manifest["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [it["topologyKey"] for it in spread] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]
        for each in spread:
            assert each["labelSelector"] == manifest["spec"]["selector"]


def test_the_autoscaler_and_a_fixed_number_exclude_each_other(chart: Chart) -> None:
    manifests = chart.render(EVERYTHING)
    assert "replicas" not in one(manifests, "Deployment", "-api")["spec"]
    scaled = one(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"]
    assert scaled == one(manifests, "Deployment", "-api")["metadata"]["name"]
    assert one(chart.render(LITTLE), "Deployment", "-api")["spec"]["replicas"] == 1


# --- migration and test ----------------------------------------------------------------------


def test_the_migration_runs_before_and_needs_nothing_of_the_release(chart: Chart) -> None:
    job = one(chart.render({}), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(job["metadata"]["annotations"]["helm.sh/hook-weight"]) < 0
    pod = job["spec"]["template"]["spec"]
    assert "envFrom" not in pod["containers"][0]
    assert "serviceAccountName" not in pod
    assert {name for volume in pod["volumes"] for name in set(volume) - {"name"}} == {
        "emptyDir",
        "secret",
    }


def test_helm_test_asks_both_services(chart: Chart) -> None:
    manifests = chart.render({"service": {"port": 8000}, "opsService": {"port": 9000}})
    pod = one(manifests, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    _, *urls = pod["spec"]["containers"][0]["args"]
    assert urls == [
        "http://gw-xtream-gateway:8000/livez",
        "http://gw-xtream-gateway-ops:9000/readyz",
    ]
    compile(pod["spec"]["containers"][0]["args"][0], "test pod", "exec")


# --- who can reach what ----------------------------------------------------------------------


def test_health_and_metrics_are_never_published(manifests: list[Manifest]) -> None:
    ops = one(manifests, "Service", "-ops")
    assert ops["spec"]["type"] == "ClusterIP"
    for manifest in manifests:
        if manifest["kind"] == "Service" and manifest is not ops:
            assert [it["targetPort"] for it in manifest["spec"]["ports"]] == ["http"]
        if manifest["kind"] == "Ingress":
            for rule in manifest["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    assert path["backend"]["service"] == {
                        "name": "gw-xtream-gateway",
                        "port": {"name": "http"},
                    }


def test_the_network_policy_opens_only_what_is_named(chart: Chart) -> None:
    spec = one(chart.render(EVERYTHING), "NetworkPolicy")["spec"]
    own = {"podSelector": spec["podSelector"]}
    given = EVERYTHING["networkPolicy"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [
        {"ports": [{"port": "http", "protocol": "TCP"}], "from": [own, *given["allowApiFrom"]]},
        {"ports": [{"port": "ops", "protocol": "TCP"}], "from": [own, *given["allowOpsFrom"]]},
    ]
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    assert spec["egress"] == [dns, {"to": [own]}, *given["egress"]]


def test_a_bare_network_policy_lets_everybody_call_the_api_and_pods_reach_all(
    chart: Chart,
) -> None:
    spec = one(chart.render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"][0] == {"ports": [{"port": "http", "protocol": "TCP"}]}
    assert spec["ingress"][1]["from"] == [{"podSelector": spec["podSelector"]}]
