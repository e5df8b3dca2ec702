"""Renders the chart, and takes what it renders apart."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.made import CHART

Manifest = dict[str, Any]

RELEASE: Final = "gw"
NAMESPACE: Final = "billing"

#: One of each thing that can be turned on.
EVERYTHING: Final[dict[str, Any]] = {
    "image": {
        "repository": "registry.example:5000/team/xtream-gateway",
        "digest": f"sha256:{'a1' * 32}",
        "pullSecrets": ["pull"],
    },
    "existingSecret": {"name": "gateway-secrets", "keys": {"redis_url": "REDIS_URL"}},
    "settings": {
        "trusted_proxies": ["10.0.0.0/8", "2001:db8::/32"],
        "drain_seconds": 2.5,
        "cache": {"stale_if_error_seconds": 604_800},
        "issuers": [
            {
                "url": "https://sso.example/realms/tv",
                "audience": "https://api.gateway.example",
                "reseller_claim": "reseller",
                "permissions": {"editor": ["lines:write"]},
            }
        ],
    },
    "extraEnv": [
        {"name": "OTEL_SERVICE_NAME", "value": "gateway"},
        {"name": "OTEL_HEADERS", "secretKeyRef": {"name": "otel", "key": "headers"}},
    ],
    "api": {
        "autoscaling": {"enabled": True},
        "podAnnotations": {"example.org/team": "billing"},
        "podLabels": {"team": "billing"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [
            {"key": "only", "operator": "Equal", "value": "api", "effect": "NoSchedule"}
        ],
        "priorityClassName": "high",
        "topologySpread": {"whenUnsatisfiable": "DoNotSchedule"},
    },
    "worker": {
        "replicas": 2,
        "podAnnotations": {"example.org/team": "billing"},
        "podLabels": {"team": "billing"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "low",
        "podDisruptionBudget": {"maxUnavailable": "50%"},
    },
    "migration": {
        "podAnnotations": {"example.org/team": "billing"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"operator": "Exists"}],
    },
    "service": {"type": "LoadBalancer", "annotations": {"example.org/pool": "public"}},
    "opsService": {"annotations": {"prometheus.io/scrape": "true"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"example.org/issuer": "ca"},
        "hosts": ["api.example.org", "gateway.example.org"],
        "tlsSecretName": "gateway-tls",
    },
    "serviceAccount": {"annotations": {"example.org/role": "none"}},
    "networkPolicy": {
        "enabled": True,
        "allowApiFrom": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
        ],
        "allowOpsFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}],
                "ports": [{"port": 5432, "protocol": "TCP"}],
            }
        ],
    },
}
#: As little as can be.
LITTLE: Final[dict[str, Any]] = {
    "existingSecret": {"keys": {"redis_url": ""}},
    "api": {
        "replicas": 1,
        "preStopSleepSeconds": 0,
        "podDisruptionBudget": {"enabled": False},
        "topologySpread": {"enabled": False},
    },
    "worker": {
        "podDisruptionBudget": {"enabled": False},
        "topologySpread": {"enabled": False},
    },
    "migration": {"enabled": False},
    "serviceAccount": {"create": False},
}
CASES: Final[dict[str, dict[str, Any]]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "little": LITTLE,
}


class Refused(Exception):
    """Helm would not; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart and a Helm, with a home of its own so that the user's settings do not count."""

    helm: Path
    home: Path

    def lint(self, values: Mapping[str, Any]) -> str:
        return self._run("lint", "--strict", *self._values(values), str(CHART))

    def render(self, values: Mapping[str, Any], *, release: str = RELEASE) -> list[Manifest]:
        """Return every manifest, hooks and tests too."""
        words = ["template", "--namespace", NAMESPACE, *self._values(values)]
        return list(yaml.safe_load_all(self._run(*words, release, str(CHART))))

    def notes(self, values: Mapping[str, Any]) -> str:
        """Return what is said after an install.

        Only an install shows it, and Helm 3 wants a cluster even for a dry one: so a copy of the
        chart renders it as an object.
        """
        copy = self.home / "copy" / CHART.name
        shutil.copytree(CHART, copy, dirs_exist_ok=True)
        notes = (copy / "templates" / "NOTES.txt").read_text(encoding="utf-8")
        (copy / "templates" / "_notes.tpl").write_text(
            f'{{{{- define "notes" -}}}}{notes}{{{{- end }}}}', encoding="utf-8"
        )
        (copy / "templates" / "notes.yaml").write_text(
            '{kind: Notes, text: {{ include "notes" . | quote }}}', encoding="utf-8"
        )
        words = ["template", "--namespace", NAMESPACE, *self._values(values)]
        said = self._run(*words, "--show-only", "templates/notes.yaml", RELEASE, str(copy))
        found: str = yaml.safe_load(said)["text"]
        return found

    def _values(self, values: Mapping[str, Any]) -> tuple[str, str]:
        file = self.home / "values.yaml"
        file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        return ("--values", str(file))

    def _run(self, *words: str) -> str:
        environment = {
            "HOME": str(self.home),
            "HELM_CACHE_HOME": str(self.home / "cache"),
            "HELM_CONFIG_HOME": str(self.home / "config"),
            "HELM_DATA_HOME": str(self.home / "data"),
            "KUBECONFIG": os.devnull,
            "PATH": os.defpath,
        }
        done = subprocess.run(
            [str(self.helm), *words], env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Refused(done.stdout + done.stderr)
        return done.stdout


def one(manifests: list[Manifest], kind: str, name: str = "") -> Manifest:
    """Return the only manifest of that kind whose name ends so."""
    (found,) = [
        it for it in manifests if it["kind"] == kind and it["metadata"]["name"].endswith(name)
    ]
    return found


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield every pod that the manifests lead to, under the name of its owner."""
    for manifest in manifests:
        label = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if manifest["kind"] == "Pod":
            yield label, manifest["spec"]
        elif "template" in manifest.get("spec", {}):
            yield label, manifest["spec"]["template"]["spec"]


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield every container, the starting ones too."""
    for label, pod in pod_specs(manifests):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield f"{label}/{container['name']}", container
