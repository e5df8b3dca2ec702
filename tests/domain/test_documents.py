"""Trusted documents: what an id is, what is refused, and who may send what."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.caller import Caller, CallerKind, lineage
from gateway.domain.documents import (
    TEXT_BYTES_MAX,
    UPLOAD_MAX,
    DocumentsMode,
    DocumentsModes,
    document_id_of,
    documents_mode,
    is_document_id,
    upload_faults,
)
from gateway.domain.errors import Fault

TEXT = "query Me { me { kind } }"
ID = document_id_of(TEXT)
DIGEST = ID.removeprefix("sha256:")


def test_an_id_is_the_sha256_of_the_bytes_of_the_text() -> None:
    text = "{ ünïcode }"
    assert document_id_of(text) == "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


@given(text=st.text())
def test_every_text_that_has_bytes_has_an_id_of_the_one_shape(text: str) -> None:
    assert is_document_id(document_id_of(text))


@pytest.mark.parametrize(
    "text",
    [
        *("", "sha256:", DIGEST, f"sha1:{DIGEST}", f"SHA256:{DIGEST}", f"sha256:{DIGEST.upper()}"),
        *(f"{ID}0", ID[:-1], f"{ID}\n", f" {ID}", f"sha256:{'g' * 64}", f"sha256:{'٣' * 64}"),
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_document_id(text)
    assert [fault.code for fault in upload_faults({text: TEXT})] == ["bad_format"]


def faults_of(text: str) -> list[str]:
    return [fault.code for fault in upload_faults({f"sha256:{'0' * 64}": text})]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "too_short"),
        ("x" * (TEXT_BYTES_MAX + 1), "too_long"),
        ("ü" * (TEXT_BYTES_MAX // 2) + "x", "too_long"),
        ("a\x00b", "bad_format"),
        ("a\ud800b", "bad_format"),
        (TEXT, "wrong_digest"),
    ],
    ids=["empty", "characters", "bytes", "NUL", "half a pair", "another text"],
)
def test_a_faulty_text_is_told(text: str, code: str) -> None:
    assert faults_of(text) == [code]


@pytest.mark.parametrize("text", ["x", "x" * TEXT_BYTES_MAX, "ü" * (TEXT_BYTES_MAX // 2)])
def test_a_text_may_be_as_large_as_is_said(text: str) -> None:
    assert list(upload_faults({document_id_of(text): text})) == []


def test_all_faults_are_told_at_once_and_point_to_their_document() -> None:
    wrong = "sha256:" + "0" * 64
    assert list(upload_faults({"~a/b": TEXT, wrong: TEXT, ID: TEXT, "y" * 200: ""})) == [
        Fault(
            "/documents/~0a~1b",
            "bad_format",
            "The id must be sha256: and 64 lower-case hex digits.",
        ),
        Fault(f"/documents/{wrong}", "wrong_digest", "The id is not the SHA-256 of the text."),
        Fault(
            "/documents/" + "y" * 100,
            "bad_format",
            "The id must be sha256: and 64 lower-case hex digits.",
        ),
    ]


def test_an_upload_is_neither_empty_nor_too_large() -> None:
    full: dict[str, str] = {document_id_of(str(n)): str(n) for n in range(UPLOAD_MAX)}
    assert list(upload_faults(full)) == []
    assert list(upload_faults(full | {"x": ""})) == [
        Fault("/documents", "too_long", "At most 500 items.")
    ]
    assert list(upload_faults({})) == [Fault("/documents", "too_short", "At least 1 item.")]


def test_who_knows_the_schema_is_asked_of_texts_without_another_fault() -> None:
    asked = []

    def find_fault(text: str) -> str | None:
        asked.append(text)
        return "There is no field nme." if "nme" in text else None

    wrong = "{ nme }"
    documents: dict[str, str] = {ID: TEXT, document_id_of(wrong): wrong, "nothing": "{ nme }"}
    assert [(fault.pointer, fault.code) for fault in upload_faults(documents, find_fault)] == [
        (f"/documents/{document_id_of(wrong)}", "invalid"),
        ("/documents/nothing", "bad_format"),
    ]
    assert asked == [TEXT, wrong]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (CallerKind.OPERATOR, DocumentsMode.LOGGED),
        (CallerKind.SYSTEM, DocumentsMode.LOGGED),
        (CallerKind.RESELLER, DocumentsMode.REQUIRED),
    ],
)
def test_each_kind_of_caller_has_its_mode(kind: CallerKind, mode: DocumentsMode) -> None:
    modes = DocumentsModes(operator=DocumentsMode.LOGGED, reseller=DocumentsMode.REQUIRED)
    caller = Caller(kind=kind, id="x")
    assert documents_mode(caller, modes) is mode
    assert documents_mode(caller, DocumentsModes()) is DocumentsMode.OPEN


@pytest.mark.parametrize(
    ("path", "upwards"),
    [("/", ("/",)), ("/a/", ("/", "/a/")), ("/a/b/c/", ("/", "/a/", "/a/b/", "/a/b/c/"))],
)
def test_a_lineage_leads_from_the_operator_down(path: str, upwards: tuple[str, ...]) -> None:
    assert lineage(path) == upwards
