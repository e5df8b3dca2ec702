"""How calls become forms in tests, and values of every kind to put into them."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from gateway.domain.secrets import Secret
from gateway.panels.dialect import Form
from gateway.panels.xtream_v2 import DIALECT
from tests.panels.makers import a_panel

PANEL = a_panel(api_pass=Secret("S3 c&ret"), extra_columns=("is_stalker", "forced_country"))


def sent(call: object) -> tuple[str, bytes]:
    verb = DIALECT.verbs[type(call)]
    request = DIALECT.request(PANEL, verb.action, verb.sub, verb.encode(call, PANEL))
    assert request.path == "/api.php"
    return request.query, request.body


def form_of(call: object) -> Form:
    verb = DIALECT.verbs[type(call)]
    form: Form = verb.encode(call, PANEL)
    return form


TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=string.printable, max_size=40),
    st.lists(
        st.sampled_from(
            ["user_data", "[", "]", "=", "&", "%", "%26", "+", "action", "\0", "a", "\\", '"', ";"]
        ),
        max_size=12,
    ).map("".join),
)
MOMENTS = st.datetimes(
    datetime(1960, 1, 1),  # noqa: DTZ001 - the strategy adds the zone.
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
#: Any value, sensible or not, for what lines and devices share.
WILD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "expires_at": st.none() | MOMENTS,
    "max_connections": st.none() | st.integers(),
    "bouquet_ids": st.lists(st.integers(), max_size=3).map(tuple),
    "allowed_ips": st.lists(TEXTS, max_size=3).map(tuple),
    "allowed_user_agents": st.lists(TEXTS, max_size=3).map(tuple),
    "notes": TEXTS,
    "admin_notes": TEXTS,
    "member_id": st.integers(),
    "extra": st.lists(st.tuples(st.just("is_stalker") | TEXTS, TEXTS), max_size=2).map(tuple),
}
