"""The commands of the module's page do what the page says, in its order."""

from __future__ import annotations

import json
import re
import shlex

from tests.docs.examples import difference, steps
from tests.examples.conftest import BILLING, Billing

README = BILLING / "README.md"


async def test_what_happens_is_what_the_page_says(billing: Billing) -> None:
    shown = list(steps(README))
    for step in shown:
        php, script, *words = shlex.split(step.command)
        assert (php, script) == ("php", "try.php")
        done = await billing.run(script, *words)
        where = f"line {step.line}"
        assert done.code == step.status, f"{where}: {done}"
        wrong = difference(step.answer or {}, json.loads(done.output), is_whole=False)
        assert wrong is None, f"{where}: {wrong}"
    # The second order of the page is the first one again.
    assert len(billing.world.users()) == 1
    assert len({step.command for step in shown}) == len(shown) - 1


def test_the_page_says_the_keys_that_the_module_sends() -> None:
    source = (BILLING / "src" / "Provisioning.php").read_text(encoding="utf-8")
    named = re.findall(r"`whmcs:service-4711:(\w+):invoice-\d+`", README.read_text())
    assert named == re.findall(r"\$service, '(\w+)', \"invoice-", source)


def test_its_limits_are_those_of_the_module() -> None:
    source = (BILLING / "src" / "Gateway.php").read_text(encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    (patience,) = re.findall(r"patienceSeconds = (\d+)", source)
    (tries,) = re.findall(r"triesMax = (\d+)", source)
    assert f"({patience} seconds)" in text
    assert f"up to {tries} times" in text
