"""What every test may use. Servers: tests/servers/plugin.py."""

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.flags import flag

pytest_plugins = ["tests.servers.plugin"]

LONG_TEST_SECONDS_MAX = 900

# No deadline: how long an example takes says something about the machine, not about the code.
settings.register_profile(
    "short", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("long", settings.get_profile("short"), max_examples=2_000)
settings.load_profile("long" if flag("LONG") else "short")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long tests out unless LONG=1; then give them time."""
    for item in items:
        if item.get_closest_marker("long") is None:
            continue
        if not flag("LONG"):
            item.add_marker(pytest.mark.skip(reason="runs with LONG=1"))
        elif item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONG_TEST_SECONDS_MAX))
