"""The gateway that is asked, and how much."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.fuzzer import Effort
from tests.fuzz.seeded import Seeded, seeded_gateway
from tests.servers.flags import flag


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    with seeded_gateway(tmp_path / "var") as made:
        yield made


@pytest.fixture
def effort() -> Effort:
    """FUZZ_SEED repeats a run; a short run always has the same seed, a long one its own."""
    if not flag("LONG"):
        return Effort(examples_max=2, keep_one_in=24, seed=int(os.environ.get("FUZZ_SEED", "1")))
    seed = int(os.environ.get("FUZZ_SEED", secrets.randbelow(2**32)))
    return Effort(examples_max=50, keep_one_in=1, seed=seed)
