"""Manifests of GraphQL documents, as common generators write them -> id -> text.

* An object of id -> text: the client preset of GraphQL Code Generator, with
  `hashAlgorithm: "sha256"`; Relay's compiler, with `"algorithm": "SHA256"`. An id is 64 hex digits,
  with or without `sha256:`.
* Apollo's persisted query manifest, version 1: `operations` of `id` and `body`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gateway.cli.output import CommandError
from gateway.domain.documents import ID_PREFIX

APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"
#: Faults of one manifest are mostly all alike, so only some are told.
_FAULTS_MAX: Final = 20

_SHA256: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE | re.ASCII)
#: Digests that generators make unless they are told otherwise, by their length in hex.
_OTHERS: Final = {
    32: 'MD5; for Relay, set "algorithm": "SHA256" in its persistConfig',
    40: 'SHA-1; for the client preset of GraphQL Code Generator, set hashAlgorithm: "sha256"',
}


def read_manifest(file: Path) -> dict[str, str]:
    """Return the documents of *file*, id -> text, in its order.

    Whether an id is its text's is not looked at here.

    Raises:
        CommandError: it cannot be read, or is no manifest; the faults together.
    """
    try:
        value: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{file}: {error}") from None
    documents: dict[str, str] = {}
    faults: list[str] = []
    for name, text in _pairs(file, value):
        match = _SHA256.fullmatch(name) if isinstance(name, str) else None
        if match is None:
            faults.append(f"  {_shown(name)}: {_other_than_sha256(name)}")
        elif not isinstance(text, str):
            faults.append(f"  {_shown(name)}: the document is no text")
        else:
            documents[ID_PREFIX + match[1].lower()] = text
    if faults:
        more = len(faults) - _FAULTS_MAX
        tail = [f"  and {more} more"] if more > 0 else []
        raise CommandError(f"{file}:\n" + "\n".join([*faults[:_FAULTS_MAX], *tail]))
    if not documents:
        raise CommandError(f"{file}: there is no document in it")
    return documents


def _pairs(file: Path, value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    """Yield id and text of each document, whatever they are."""
    if not isinstance(value, dict):
        raise CommandError(f"{file}: a manifest is a JSON object, id -> text")
    if "format" not in value:
        yield from value.items()
        return
    if (value["format"], value.get("version")) != (APOLLO_FORMAT, 1):
        raise CommandError(f"{file}: of manifests with a format, only {APOLLO_FORMAT} 1 is known")
    operations = value.get("operations")
    if not isinstance(operations, list):
        raise CommandError(f"{file}: operations is no array")
    for operation in operations:
        members = operation if isinstance(operation, dict) else {}
        yield members.get("id"), members.get("body")


def _shown(name: object) -> str:
    return repr(name)[:80]


def _other_than_sha256(name: object) -> str:
    text = name if isinstance(name, str) else ""
    if re.fullmatch(r"[0-9a-fA-F]+", text) and len(text) in _OTHERS:
        return f"ids must be SHA-256 digests, and this looks like {_OTHERS[len(text)]}"
    return "the id is no SHA-256 digest: 64 hex digits, with or without sha256:"
