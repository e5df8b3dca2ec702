"""`documents upload` and `documents list`, with the manifests of common generators."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.documents import UPLOAD_MAX, document_id_of
from tests.cli.conftest import Cli

TEXT = "query Me { me { kind } }"
OTHER = "mutation Rename { __typename }"
DIGEST = document_id_of(TEXT).removeprefix("sha256:")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "manifest.json"


def write(file: Path, manifest: Any) -> str:
    file.write_text(json.dumps(manifest), encoding="utf-8")
    return str(file)


def operation(text: str, **changes: Any) -> dict[str, Any]:
    found = {"id": document_id_of(text).removeprefix("sha256:"), "body": text}
    return found | {"name": "Me", "type": "query"} | changes


def apollo(*operations: Any, **changes: Any) -> dict[str, Any]:
    found = {"format": "apollo-persisted-query-manifest", "version": 1}
    return found | {"operations": list(operations)} | changes


@pytest.mark.parametrize(
    "manifest",
    [
        {DIGEST: TEXT, document_id_of(OTHER): OTHER},
        {DIGEST.upper(): TEXT, document_id_of(OTHER): OTHER},
        apollo(operation(TEXT), operation(OTHER, clientName="web")),
    ],
    ids=["id to text", "upper case", "Apollo"],
)
def test_a_manifest_is_uploaded_and_listed(cli: Cli, file: Path, manifest: Any) -> None:
    name = write(file, manifest)
    assert cli.json("documents", "upload", name) == {"added": 2, "present": 0}
    assert cli.json("documents", "upload", name) == {"added": 0, "present": 2}
    rows = {row["id"]: row for row in cli.json("documents", "list")["data"]}
    for text in (TEXT, OTHER):
        row = rows.pop(document_id_of(text))
        made_at = row.pop("created_at")
        assert datetime.fromisoformat(made_at).tzinfo is not None
        assert row == {
            "id": document_id_of(text),
            "reseller_id": None,
            "bytes": len(text),
            "text": text,
        }
    assert rows == {}
    table = cli.ok("documents", "list")
    assert document_id_of(TEXT) in table
    assert TEXT not in table
    assert "2" in cli.ok("documents", "upload", name)


def test_an_upload_may_be_for_a_reseller(cli: Cli, file: Path) -> None:
    reseller = cli.json("reseller", "add", "--name", "Ann's TV")
    name = write(file, {DIGEST: TEXT})
    for owner in (("--reseller", reseller["id"]), ()):
        assert cli.json("documents", "upload", name, *owner) == {"added": 1, "present": 0}
    rows = cli.json("documents", "list")["data"]
    assert [row["reseller_id"] for row in rows] == [None, reseller["id"]]


def test_a_large_manifest_goes_in_several_uploads(cli: Cli, file: Path) -> None:
    texts = [f"{{ a{n}: __typename }}" for n in range(2 * UPLOAD_MAX + 1)]
    name = write(file, {document_id_of(text): text for text in texts})
    assert cli.json("documents", "upload", name) == {"added": len(texts), "present": 0}
    assert len(cli.json("documents", "list")["data"]) == len(texts)


def test_a_large_manifest_with_one_fault_is_refused_as_a_whole(cli: Cli, file: Path) -> None:
    texts = [f"{{ a{n}: __typename }}" for n in range(UPLOAD_MAX + 1)]
    manifest = {document_id_of(text): text for text in texts}
    wrong = document_id_of(texts[-1])
    said = cli.fails(
        "documents", "upload", write(file, manifest | {wrong: "{ other: __typename }"})
    )
    assert wrong in said
    assert "SHA-256" in said
    assert cli.json("documents", "list") == {"data": []}


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"a" * 32: TEXT}, ("MD5", "Relay", "SHA256")),
        ({"a" * 40: TEXT}, ("SHA-1", "hashAlgorithm")),
        ({"Me": TEXT}, ("'Me'", "SHA-256")),
        ({f"md5:{'a' * 32}": TEXT}, ("SHA-256",)),
        ({DIGEST: {"text": TEXT}}, (DIGEST, "no text")),
        ({"x": TEXT, DIGEST: 1}, ("'x'", DIGEST)),
        ({f"{n:032x}": TEXT for n in range(30)}, ("MD5", "and 10 more")),
        ({}, ("no document",)),
        ([TEXT], ("JSON object",)),
        (apollo(operation(TEXT), version=2), ("apollo-persisted-query-manifest 1",)),
        (apollo(format="other"), ("apollo-persisted-query-manifest 1",)),
        (apollo(operations=None), ("operations",)),
        (apollo(), ("no document",)),
        (apollo("x"), ("None", "SHA-256")),
        (apollo(operation(TEXT, body=None)), (DIGEST, "no text")),
    ],
    ids=[
        *("MD5", "SHA-1", "a name", "another prefix", "no text", "two faults", "many faults"),
        *("empty", "array", "Apollo 2", "other format", "no operations", "empty Apollo"),
        *("no operation", "no body"),
    ],
)
def test_what_is_no_manifest_is_told_in_a_sentence(
    cli: Cli, file: Path, manifest: Any, words: tuple[str, ...]
) -> None:
    said = cli.fails("documents", "upload", write(file, manifest))
    assert [word for word in (str(file), *words) if word not in said] == []


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_named(cli: Cli, file: Path, content: bytes) -> None:
    assert str(file) in cli.fails("documents", "upload", str(file))
    file.write_bytes(content)
    assert str(file) in cli.fails("documents", "upload", str(file))


def test_a_reseller_that_is_not_there_has_no_documents(cli: Cli, file: Path) -> None:
    name = write(file, {DIGEST: TEXT})
    assert "rsl_" in cli.fails("documents", "upload", name, "--reseller", "ann")
    nobody = "rsl_" + "0" * 26
    assert "not_found" in cli.fails("documents", "upload", name, "--reseller", nobody)
