"""What our hooks and checks in schemathesis' own process must know, handed over as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

VARIABLE: Final = "FUZZ_BRIEF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Ids are by prefix, such as `line`."""

    #: Ids that lead somewhere, for requests that would else name nothing.
    ids: Mapping[str, str] = field(default_factory=dict)
    #: Ids for requests after which a thing is of no more use, in place of `ids` and of `kept`.
    spare: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    #: The reseller that an operator makes things for.
    acts_for: str = ""
    external_id: str = ""
    #: Fields by which something is found where it is looked up.
    looked_up_by: Mapping[str, str] = field(default_factory=dict)
    #: Routes, as `GET /v1/me`, on which this caller need not have any success.
    out_of_reach: tuple[str, ...] = ()
    #: Ids of another reseller; every path gets them where they are given.
    foreign: Mapping[str, str] = field(default_factory=dict)
    #: The other reseller's name of its own for things.
    foreign_external_id: str = ""
    #: Texts that only another reseller may be shown.
    secrets: tuple[str, ...] = ()
    #: The only panel that may be called.
    panel_url: str = ""
    #: Of the systematic cases, every so manieth is sent, beginning with `first`.
    keep_one_in: int = 1
    first: int = 0

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def given(cls) -> Self:
        """Return the one that this process was started with."""
        return cls(**json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8")))


def unknown(text: str) -> str:
    """Return an id of the same form that is nobody's."""
    return text[:-4] + "zzzz"
