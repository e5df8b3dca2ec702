"""The audit log and the kept answers in the registry."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.audit import leaf_of
from gateway.db.canonical_json import canonical_json
from gateway.db.rows_operations import AuditBodyRow, AuditEntryRow
from gateway.db.store import SqlDatabase
from gateway.domain.audit import AuditFilter, Phase
from gateway.domain.errors import IdempotencyInProgress
from gateway.domain.ids import IdKind, OperationId
from gateway.domain.paging import PageRequest, decode_cursor
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, scope_for
from tests.factories import NOW, a_kept_answer, an_asker, an_audit_entry, an_id, owned_by

DAY = timedelta(days=1)


async def test_an_entry_is_read_as_it_was_appended(registry: SqlDatabase, family: Family) -> None:
    entry = an_audit_entry(
        **owned_by(family.ann),
        phase=Phase.FAILED,
        asker=an_asker(key_id="key_1", ip=None),
        before={"b": [1, True, None, {"é": "✓"}], "a": -5},
        after=None,
        code="quota_exceeded",
        panel_call_digest="k1:00",
        at=NOW + timedelta(microseconds=1),
    )
    bare = an_audit_entry(resource_id=None, operation_id=None)
    async with registry.write(system_scope()) as store:
        await store.audit.append(entry)
        await store.audit.append(bare)
    async with registry.read(system_scope()) as store:
        page = await store.audit.list(AuditFilter(), PageRequest())
    assert page.items == (bare, entry)


async def test_the_leaf_is_bound_to_the_entry_by_its_hash(registry: SqlDatabase) -> None:
    entry = an_audit_entry()
    async with registry.write(system_scope()) as store:
        await store.audit.append(entry)
    async with registry.session(system_scope(), writable=False) as session:
        body = (await session.scalars(sa.select(AuditBodyRow))).one()
        row = (await session.scalars(sa.select(AuditEntryRow))).one()
    assert len(body.salt) == 16
    assert body.leaf == leaf_of(entry)
    assert row.leaf_hash == hashlib.sha256(b"\x00" + body.salt + body.leaf).digest()


def test_the_leaf_is_the_entry_as_the_contract_shows_it() -> None:
    line = an_id(IdKind.LINE)
    entry = an_audit_entry(resource_id=line, operation_id="op_1")
    assert json.loads(leaf_of(entry)) == {
        "id": entry.id,
        "phase": "started",
        "action": "line.create",
        "operation_id": "op_1",
        "reseller_id": None,
        "caller": {"kind": "operator", "id": "operator", "key_id": None, "chain": []},
        "ip": "127.0.0.1",
        "request_id": "request-1",
        "resource": {"kind": "line", "id": line},
        "before": None,
        "after": {"username": "someone"},
        "code": None,
        "panel_call_digest": None,
        "at": "2026-03-01T12:00:00Z",
    }


async def test_entries_are_filtered(store: Store, family: Family) -> None:
    first = an_audit_entry(at=NOW - DAY)
    second = an_audit_entry(**owned_by(family.ann), action="line.renew", phase=Phase.DENIED)
    await store.audit.append(first)
    await store.audit.append(second)
    cases: list[tuple[dict[str, Any], tuple[object, ...]]] = [
        ({"action": "line.renew"}, (second,)),
        ({"phase": Phase.STARTED}, (first,)),
        ({"resource_id": first.resource_id}, (first,)),
        ({"operation_id": second.operation_id}, (second,)),
        ({"reseller_id": family.ann.id}, (second,)),
        ({"since": NOW - DAY, "until": NOW}, (first,)),
        ({"since": NOW}, (second,)),
    ]
    for criteria, expected in cases:
        page = await store.audit.list(AuditFilter(**criteria), PageRequest())
        assert page.items == expected, criteria


async def test_entries_are_paged(store: Store) -> None:
    made = [an_audit_entry() for _ in range(3)]
    for entry in made:
        await store.audit.append(entry)
    first = await store.audit.list(AuditFilter(), PageRequest(limit=2))
    assert first.items == (made[2], made[1])
    assert first.next_cursor is not None
    after = decode_cursor(first.next_cursor, IdKind.AUDIT_ENTRY)
    assert (await store.audit.list(AuditFilter(), PageRequest(after=after))).items == (made[0],)


def test_canonical_json_follows_rfc_8785() -> None:
    # The example of section 3.2.3: members in the order of their UTF-16 code units.
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    written = list(json.loads(canonical_json(value)))
    assert written == ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]
    assert canonical_json({"b": ['\x0f\n"\\/é', 1], "a": {}}) == (
        '{"a":{},"b":["\\u000f\\n\\"\\\\/é",1]}'.encode()
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=JSON)
def test_canonical_json_says_the_same_and_only_in_one_way(value: Any) -> None:
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


@pytest.mark.parametrize("value", [1.5, {1: 2}, b"", {"x": {1, 2}}, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800"])
def test_numbers_and_text_beyond_the_rfc_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"canonical|surrogates"):
        canonical_json(value)


async def test_an_answer_is_read_as_it_was_added(store: Store) -> None:
    stored = a_kept_answer()
    operation = a_kept_answer(result=None, operation_id=OperationId("op_1"))
    for answer in (stored, operation):
        await store.answers.add(answer)
        assert await store.answers.find(answer.owner, answer.key) == answer
    assert await store.answers.find("somebody", stored.key) is None


async def test_a_key_holds_one_answer_for_each_owner(store: Store) -> None:
    answer = a_kept_answer()
    await store.answers.add(answer)
    await store.answers.add(a_kept_answer(owner="rsl_1", key=answer.key))
    with pytest.raises(IdempotencyInProgress):
        await store.answers.add(a_kept_answer(key=answer.key))
    await store.answers.delete(answer.id)
    assert await store.answers.find(answer.owner, answer.key) is None
    await store.answers.add(replace(a_kept_answer(), key=answer.key))


async def test_old_answers_are_swept_in_batches(store: Store) -> None:
    made = [a_kept_answer(created_at=NOW - age * DAY) for age in (4, 3, 2, 0)]
    for answer in made:
        await store.answers.add(answer)
    assert await store.answers.delete_older(NOW, 2) == 2
    assert await store.answers.find("operator", made[1].key) is None
    assert await store.answers.find("operator", made[2].key) == made[2]
    assert await store.answers.delete_older(NOW, 2) == 1
    assert await store.answers.delete_older(NOW, 2) == 0
    assert await store.answers.find("operator", made[3].key) == made[3]


async def test_answers_belong_to_the_scope_that_keeps_them(
    registry: SqlDatabase, family: Family
) -> None:
    answers = {it.id: a_kept_answer(owner=it.id) for it in (family.ann, family.child, family.bob)}
    async with registry.write(system_scope()) as store:
        for answer in answers.values():
            await store.answers.add(answer)
    async with registry.write(scope_for(family.child)) as store:
        mine = answers[family.child.id]
        assert await store.answers.find(mine.owner, mine.key) == mine
        for other in (answers[family.ann.id], answers[family.bob.id]):
            assert await store.answers.find(other.owner, other.key) is None
            await store.answers.delete(other.id)
        with pytest.raises(RuntimeError):
            await store.answers.add(a_kept_answer(owner=family.bob.id))
        assert await store.answers.delete_older(NOW + DAY, 10) == 1
    async with registry.read(system_scope()) as store:
        bobs = answers[family.bob.id]
        assert await store.answers.find(bobs.owner, bobs.key) == bobs
