"""The audits of the reference implementation of GraphQL over HTTP."""

from __future__ import annotations

from tests.api.graphql.conftest import RunScript
from tests.api.graphql.support import Served


async def test_every_audit_is_passed(served: Served, run_script: RunScript) -> None:
    audits = await run_script("audits.mjs", served.url, "operator")
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == 61
