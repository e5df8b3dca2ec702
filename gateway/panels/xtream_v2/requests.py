"""How an `api.php` request is addressed and authenticated.

`action` and `sub` go into the query, everything else into the body: the script lays the body over
the query, and only the query may appear in access logs. Other body types than an urlencoded form
are ignored by the script, which would then make a random, unlimited line.
"""

from __future__ import annotations

from typing import Final

from gateway.domain.panels import Panel
from gateway.panels.dialect import Form, Request, urlencode

PATH: Final = "/api.php"


def request(panel: Panel, action: str, sub: str, form: Form) -> Request:
    """Return the request for *form*; the panel's `api_pass`, if it has one, is the first field.

    First, because the script reads no more than 500 fields and silently drops the rest.
    """
    key: Form = () if panel.api_pass is None else (("api_pass", panel.api_pass.reveal()),)
    return Request(
        path=PATH,
        query=urlencode((("action", action), ("sub", sub))).decode("ascii"),
        body=urlencode(key + form),
    )
