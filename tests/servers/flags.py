"""Switches of the command line: LONG=1, MISSING_OK=1."""

import os


def flag(name: str) -> bool:
    """Tell whether a variable such as LONG=1 is on; absent, empty and 0 are off."""
    return os.environ.get(name, "") not in {"", "0"}
