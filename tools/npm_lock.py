"""Write the package-lock.json beside a package.json: digests, and no address of anything.

`python tools/npm_lock.py FOLDER`, after a change of versions in its package.json. Present versions
of what they need in turn are kept. npm has to be on PATH.
"""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = (
    *("npm", "install", "--package-lock-only", "--ignore-scripts"),
    *("--omit-lockfile-registry-resolved", "--no-audit", "--no-fund", "--silent"),
)


def main(folder: Path) -> None:
    """Let npm write the file, then take out where to donate, which npm does not read."""
    subprocess.run(COMMAND, cwd=folder, check=True)
    path = folder / "package-lock.json"
    lock = json.loads(path.read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
