"""The chart is well formed, and what it renders is what Kubernetes takes."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway import __version__
from tests.deploy.charts import CASES, EVERYTHING, LITTLE, Chart, Manifest
from tests.deploy.made import CHART

KUBERNETES = "1.36"


def test_lint_has_nothing_to_say(chart: Chart, values: dict[str, Any]) -> None:
    assert "0 chart(s) failed" in chart.lint(values)


def test_what_is_rendered_is_valid(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_no_two_objects_have_one_name(manifests: list[Manifest]) -> None:
    names = [(it["kind"], it["metadata"]["name"]) for it in manifests]
    assert len(names) == len(set(names))


def test_the_chart_carries_this_version() -> None:
    described = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert described["appVersion"] == __version__


def test_each_kind_is_there_when_all_is_on(chart: Chart) -> None:
    kinds = [manifest["kind"] for manifest in chart.render(EVERYTHING)]
    assert sorted(kinds) == [
        "ConfigMap",
        "Deployment",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "PodDisruptionBudget",
        "Service",
        "Service",
        "ServiceAccount",
    ]


def test_little_renders_no_more_than_it_must(chart: Chart) -> None:
    kinds = [manifest["kind"] for manifest in chart.render(LITTLE)]
    assert sorted(kinds) == ["ConfigMap", "Deployment", "Deployment", "Pod", "Service", "Service"]


def test_a_long_release_name_still_makes_names_that_fit(chart: Chart) -> None:
    for manifest in chart.render(EVERYTHING, release="r" * 53):
        assert len(manifest["metadata"]["name"]) <= 63
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("case", CASES)
def test_selectors_find_the_pods_and_only_those(chart: Chart, case: str) -> None:
    manifests = chart.render(CASES[case])
    labels = {
        it["metadata"]["name"]: it["spec"]["template"]["metadata"]["labels"]
        for it in manifests
        if it["kind"] in {"Deployment", "Job"}
    } | {
        it["metadata"]["name"]: it["metadata"]["labels"] for it in manifests if it["kind"] == "Pod"
    }

    def selected(selector: dict[str, str]) -> set[str]:
        return {name for name, found in labels.items() if selector.items() <= found.items()}

    for manifest in manifests:
        name, spec = manifest["metadata"]["name"], manifest.get("spec", {})
        match manifest["kind"]:
            case "Service":
                assert selected(spec["selector"]) == {"gw-xtream-gateway-api"}
            case "Deployment" | "PodDisruptionBudget":
                assert selected(spec["selector"]["matchLabels"]) == {name}
            case "NetworkPolicy":
                assert selected(spec["podSelector"]["matchLabels"]) == set(labels)
