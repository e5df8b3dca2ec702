"""What the pages say of the chart is so: its values, its Secret, and what to do next."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import yaml

from tests.deploy.charts import EVERYTHING, LITTLE, Chart, one
from tests.deploy.made import GUIDE, ROOT, VALUES, values_table

PART = re.compile(r"(?<=<!-- made: values -->\n).*?(?=<!-- end -->)", re.DOTALL)
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def example(note: str) -> str:
    """Return the block below that note."""
    (found,) = re.findall(rf"<!-- {note} -->\n```\w+\n(.*?)```", DEPLOY, re.DOTALL)
    text: str = found
    return text


def test_the_table_of_values_is_what_the_chart_has() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    fresh = PART.sub(lambda _: values_table(), text)
    if os.environ.get("GOLDEN"):
        GUIDE.write_text(fresh, encoding="utf-8")
        return
    assert text == fresh, "The chart's README.md is old; run: make golden K=the_chart"


def test_links_of_the_guide_lead_to_files() -> None:
    targets = re.findall(r"\]\(([^)#]+)", GUIDE.read_text(encoding="utf-8"))
    assert targets
    assert [it for it in targets if not (GUIDE.parent / it).resolve().is_file()] == []


def test_the_command_of_the_page_makes_the_secret_that_the_chart_mounts(
    kubectl: Path, tmp_path: Path
) -> None:
    expected = yaml.safe_load(VALUES.read_text(encoding="utf-8"))["existingSecret"]
    keys = set(filter(None, expected["keys"].values()))
    for key in keys:
        (tmp_path / key).write_text("x")
    _, *words = shlex.split(example("the secret of the chart").replace("\\\n", " "))
    done = subprocess.run(
        [str(kubectl), *words, "--dry-run=client", "--output=yaml"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": os.defpath, "KUBECONFIG": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    secret = yaml.safe_load(done.stdout)
    assert secret["metadata"]["name"] == expected["name"]
    assert set(secret["data"]) == keys


def test_the_values_of_the_page_are_enough(chart: Chart) -> None:
    manifests = chart.render(yaml.safe_load(example("values of the chart")))
    assert one(manifests, "ConfigMap")["data"]["GATEWAY_PUBLIC_URL"] == "https://gateway.example"


def test_the_notes_say_what_to_do_next(chart: Chart) -> None:
    notes = chart.notes({})
    assert "helm test gw --namespace billing --logs" in notes
    assert "port-forward service/gw-xtream-gateway 8080:80" in notes
    assert "exec deployment/gw-xtream-gateway-api -- xtream-gateway key issue" in notes
    assert "Redis" not in notes
    assert "https://api.example.org/v1/me" in chart.notes(EVERYTHING)
    assert "migration.enabled is false" in chart.notes(LITTLE)
    assert "Without Redis" in chart.notes(LITTLE)
