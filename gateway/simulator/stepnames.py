"""Names of the points in the life of a request, in their order.

Writes: write_1 is the line (or the balance), write_2 the outputs, write_3 the device.
"""

from __future__ import annotations

import re
from typing import Final

STEPS: Final = (
    "accept",
    "rate_limit",
    "read",
    "parse",
    "firewall",
    "database",
    "flood",
    "caller",
    "key",
    "dispatch",
    "check",
    "write_1",
    "write_2",
    "write_3",
    "log",
    "answer",
    "send",
)
EARLY: Final = STEPS[: STEPS.index("firewall")]
"""Points that a request passes before a fault is looked for in the ordinary way."""
_SYNONYMS: Final = {
    "ip": "caller",
    "checks": "check",
    "select": "check",
    "read_request": "read",
    "database_connect": "database",
    "api_pass": "key",
    "build_answer": "answer",
    "write1": "write_1",
    "write2": "write_2",
    "write3": "write_3",
}


def step_name(text: str) -> str:
    """Return the name of the step that *text* means; ValueError if there is none."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    name = _SYNONYMS.get(name, name)
    if name not in STEPS:
        raise ValueError(f"No step is called {text!r}; there are {', '.join(STEPS)}.")
    return name
