"""Write the pinned, hashed files in requirements/, or check that they match pyproject.toml.

`write` asks the package index (through uv); `check` works without a network, from a digest of
the wishes kept in each file and from the pins themselves. A file never names an index or a URL.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "requirements"
# For each file: are the product's own dependencies in it, and which groups are?
FILES: Final[dict[str, tuple[bool, tuple[str, ...]]]] = {
    "pip": (False, ("pip",)),
    "build": (False, ("build",)),
    "runtime": (True, ()),
    "dev": (True, ("dev",)),
    "node": (False, ("node",)),
    "pins": (False, ("pins",)),
}
HEAD: Final = "# Written by `make pins` from pyproject.toml; do not edit.\n# wishes: {digest}\n"
PIN: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^ ;\\]+)"
    r"(?P<marker> ; [^\\]+?)?(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})*)$",
    re.MULTILINE,
)


def wishes(name: str) -> list[str]:
    """Return what pyproject.toml asks for in one file, sorted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    with_product, groups = FILES[name]
    found = list(project["project"]["dependencies"]) if with_product else []
    for group in groups:
        found += project["dependency-groups"][group]
    return sorted(found)


def digest(name: str) -> str:
    """Return a short mark of the wishes of one file and of the Pythons it must serve."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [project["project"]["requires-python"], *wishes(name)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def write(uv: str, *options: str) -> None:
    """Resolve every file anew, for all Pythons at once; keep present pins unless told otherwise."""
    constraints = FOLDER / "runtime.txt"
    for name, (with_product, groups) in FILES.items():
        target = FOLDER / f"{name}.txt"
        command = [uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
        command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--python-version", "3.11", "--output-file", str(target), *options]
        command += [f"--group={group}" for group in groups]
        if with_product:
            command.append("pyproject.toml")
        if name == "dev":  # The same versions in tests as in the product.
            command += ["--constraint", str(constraints.relative_to(ROOT))]
        subprocess.run(command, cwd=ROOT, check=True)
        pins = target.read_text()
        target.write_text(HEAD.format(digest=digest(name)) + pins)
        print(f"wrote {target.relative_to(ROOT)}")


def faults(name: str) -> Iterator[str]:
    """Yield what is wrong with one file, as sentences."""
    path = FOLDER / f"{name}.txt"
    label = path.relative_to(ROOT)
    if not path.exists():
        yield f"{label} is missing."
        return
    text = path.read_text()
    if f"# wishes: {digest(name)}\n" not in text:
        yield f"{label} was made from another pyproject.toml."
    if "://" in text or re.search(r"^\s*-(?!-hash)", text, re.MULTILINE):
        yield f"{label} holds a URL or an option; only pins and hashes belong there."
    pins: dict[str, list[str]] = {}
    for pin in PIN.finditer(text):
        pins.setdefault(canonicalize_name(pin["name"]), []).append(pin["version"])
        if not pin["hashes"]:
            yield f"{label}: {pin['name']} has no hash."
    stray = [line for line in PIN.sub("", text).splitlines() if line.strip()]
    stray = [line for line in stray if not line.strip().startswith("#")]
    for line in stray:
        yield f"{label}: not a pin: {line.strip()}"
    for wish in map(Requirement, wishes(name)):
        versions = pins.get(canonicalize_name(wish.name), [])
        if not any(wish.specifier.contains(version) for version in versions):
            yield f"{label}: no pin satisfies {wish}."


def main(arguments: list[str]) -> int:
    """Run `write UV [options]` or `check`; return the exit code."""
    match arguments:
        case ["write", uv, *options]:
            write(uv, *options)
        case ["check"]:
            pass
        case _:
            print("usage: pins.py check | write UV [--upgrade | --upgrade-package NAME]")
            return 2
    found = [fault for name in FILES for fault in faults(name)]
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        print("Run `make pins` and commit requirements/.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
