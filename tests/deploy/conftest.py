"""The chart as fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.charts import CASES, Chart, Manifest


@pytest.fixture(scope="session")
def chart(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Chart:
    return Chart(helm, tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session", params=CASES)
def values(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The values of one case after the other."""
    return CASES[request.param]


@pytest.fixture(scope="session")
def manifests(chart: Chart, values: dict[str, Any]) -> list[Manifest]:
    """What one case renders; not to be changed."""
    return chart.render(values)
