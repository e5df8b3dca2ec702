"""Third-party files for browsers are the published ones, byte for byte."""

import hashlib
import json
from pathlib import Path

import pytest

ASSETS = Path(__file__).resolve().parents[2] / "gateway" / "api" / "assets"
VENDORED = json.loads((ASSETS / "vendored.json").read_text())
SUMS = {
    f"{package['folder']}/{name}": total
    for package in VENDORED["packages"]
    for name, total in package["sha256"].items()
}


def test_every_third_party_file_is_listed_and_unchanged() -> None:
    files = [path for path in ASSETS.glob("*/**/*") if path.is_file()]
    found = {
        str(path.relative_to(ASSETS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    assert found == SUMS


@pytest.mark.parametrize("package", VENDORED["packages"], ids=lambda package: package["package"])
def test_every_package_carries_its_licence(package: dict[str, object]) -> None:
    names = package["sha256"]
    assert isinstance(names, dict)
    assert {"LICENSE", "LICENSE.md"} & names.keys()
    assert {"version", "licence", "registry"} <= package.keys()
