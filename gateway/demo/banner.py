"""What the demo prints: URLs, keys, and an example to paste."""

from __future__ import annotations

import sys
from typing import Any, Final

EXAMPLE: Final = """\
curl -sS {base_url}/v1/lines \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -H 'Idempotency-Key: order-4711' \\
  -d '{{"external_id": "order-4711", "period": "P1M", "bouquet_ids": [1, 2]}}'
"""

GRAPHQL: Final = """\
curl -sS {base_url}/graphql \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"query": "{{ lines(first: 5) {{ nodes {{ username info {{ activeConnections }} }} }} }}"}}'
"""


def show(demo: dict[str, Any]) -> None:
    """Print it; the panel's tables show what the example did."""
    first = demo["resellers"][0]
    lines = [
        "",
        "Xtream Gateway is ready.",
        "",
        f"  API             {demo['base_url']}",
        f"  reference       {demo['base_url']}/docs",
        f"  GraphiQL        {demo['base_url']}/graphql",
        f"  health, metrics {demo['ops_url']}/readyz  {demo['ops_url']}/metrics",
        f"  simulated panel {demo['panel_url']}/api.php",
        f"  its tables      {demo['panel_control_url']}/tables/users",
        "",
        f"  operator key    {demo['operator_key']}",
        *(f"  {r['name']:<15} {r['key']}" for r in demo["resellers"]),
        "",
        "Make a line (paste this; again gives the same line, for the key is the same):",
        "",
        *(f"  {text}" for text in example(demo["base_url"], first["key"]).splitlines()),
        "",
        "Ask for it with GraphQL, together with what the panel says of it now:",
        "",
        *(f"  {text}" for text in graphql(demo["base_url"], first["key"]).splitlines()),
        "",
        "See it on the panel:",
        "",
        f"  curl -sS {demo['panel_control_url']}/tables/users",
        "",
        "Ctrl-C stops everything; the data stays for the next start.",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def example(base_url: str, key: str) -> str:
    """Return the command that makes a line; README shows the same one."""
    return EXAMPLE.format(base_url=base_url, key=key)


def graphql(base_url: str, key: str) -> str:
    """Return the command that asks for lines with GraphQL; README shows the same one."""
    return GRAPHQL.format(base_url=base_url, key=key)
