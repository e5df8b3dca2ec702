"""The published contracts in `schema/`: written from the code, and compared with it."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

from graphql import build_schema, find_breaking_changes

from gateway.api.event_schemas import event_schemas
from gateway.api.graphql.schema import make_schema
from gateway.api.problems import problem_table
from gateway.api.rest.faults import FAULT_CODES
from gateway.api.rest.openapi import openapi
from gateway.api.rest.table import TABLE


def to_text(document: object) -> str:
    """Return the canonical form of a JSON document: sorted, indented, with a newline."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def contracts() -> dict[str, str]:
    """Return the files of `schema/` that the API publishes, by name."""
    problems = {"problems": problem_table(), "fault_codes": FAULT_CODES}
    return {
        "openapi.json": to_text(openapi(TABLE)),
        "problems.json": to_text(problems),
        "schema.graphql": make_schema().as_str() + "\n",
        **{f"webhooks/{name}.json": to_text(it) for name, it in event_schemas().items()},
    }


def breaking_changes(published: str, present: str) -> list[str]:
    """Return what of the *published* GraphQL schema the *present* one would break, in sentences."""
    found = find_breaking_changes(build_schema(published), build_schema(present))
    # A scalar of the language's own is there whether or not a field uses it.
    return [
        change.description
        for change in found
        if not change.description.startswith("Standard scalar ")
    ]


def write_schemas(folder: Path) -> list[Path]:
    """Write the files into *folder* and return those that changed."""
    changed = []
    for name, text in contracts().items():
        path = folder / name
        if _read(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def check_schemas(folder: Path) -> str:
    """Return how the files in *folder* differ from what the code would write; empty: not at all."""
    return "".join(
        line
        for name, text in contracts().items()
        for line in difflib.unified_diff(
            _read(folder / name).splitlines(keepends=True),
            text.splitlines(keepends=True),
            fromfile=f"schema/{name}",
            tofile=f"schema/{name} as the code has it",
        )
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
