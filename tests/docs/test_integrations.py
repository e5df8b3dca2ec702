"""The pages about billing systems: what they map to exists, and is mapped in full."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.api.problems import problem_table
from gateway.api.rest.table import TABLE
from tests.docs.pages import DOCS, ROOT, name_of, prose

HOME = DOCS / "integrations"
SYSTEMS = sorted(page for page in HOME.glob("*.md") if page.name != "index.md")
CALL = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^` ?]+)")
ROUTES = {(route.method, route.path) for route in TABLE}
#: What each system can be asked for, whatever it calls it.
WANTED = {
    "/v1/lines",
    *(f"/v1/lines/{{line_id}}/{verb}" for verb in ("renew", "suspend", "resume", "terminate")),
}


@pytest.mark.parametrize("page", [HOME / "index.md", *SYSTEMS], ids=name_of)
def test_every_call_is_a_route(page: Path) -> None:
    assert [call for call in CALL.findall(prose(page)) if call not in ROUTES] == []


@pytest.mark.parametrize("page", SYSTEMS, ids=name_of)
def test_every_page_maps_the_whole_life_of_a_line(page: Path) -> None:
    assert {path for method, path in CALL.findall(prose(page)) if method == "POST"} >= WANTED


@pytest.mark.parametrize("page", [HOME / "index.md", *SYSTEMS], ids=name_of)
def test_every_code_of_an_answer_is_one_of_ours(page: Path) -> None:
    named = re.findall(r"\b[45]\d\d `([a-z_]+)`", prose(page))
    known = {row["code"] for row in problem_table()}
    assert [code for code in named if code not in known] == []


def test_the_index_leads_to_every_page() -> None:
    text = (HOME / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in SYSTEMS if f"]({page.name})" not in text] == []


def test_the_page_of_whmcs_names_the_functions_of_the_module() -> None:
    module = (ROOT / "examples" / "billing" / "xtreamgateway.php").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)` \|", prose(HOME / "whmcs.md"), re.MULTILINE))
    made = set(re.findall(r"^function xtreamgateway_([A-Z]\w+)\(", module, re.MULTILINE))
    assert named - made == {"ChangePackage"}  # The page says so.
    assert made - named == {"MetaData", "ConfigOptions"}  # They call nobody.
