"""What the ledger and the fault rules want to know of a request's parameters."""

from __future__ import annotations

from gateway.simulator.collation import sort_key
from gateway.simulator.matching import flat
from gateway.simulator.php import PhpArray, text_of, to_int, upper
from gateway.simulator.tables import Tables


def text_parameter(params: PhpArray, name: str) -> str:
    """Return the parameter *name* as readable text; "" for arrays and what is missing."""
    value = params.get(name)
    return text_of(value.encode("utf-8", "replace")) if isinstance(value, str) else ""


def field_names(params: PhpArray) -> list[str]:
    """Return the names of all parameters; members of lists share one name."""
    names = dict.fromkeys(name for name, _ in flat(params))
    return [name.encode("utf-8", "backslashreplace").decode() for name in names]


def subjects(params: PhpArray, tables: Tables) -> list[str]:
    """Return whom a call is about, alike for all spellings: lines, devices, panel accounts."""
    action, sub = text_parameter(params, "action"), text_parameter(params, "sub")
    inner = params.get("user_data")
    data = inner if isinstance(inner, dict) else {}
    found: list[str] = []
    if action == "user":
        sources = (data,) if sub == "create" else (params, data)
        found = [f"user:{sort_key(text)}" for text in _texts(sources, "username")]
    elif action == "stb":
        sources = (data,) if sub == "create" else (params,)
        found = [f"mac:{upper(text)}" for text in _texts(sources, "mac")]
    elif (action, sub) == ("reg_user", "credits"):
        found = _accounts(params, tables)
    return list(dict.fromkeys(found))


def _texts(sources: tuple[PhpArray, ...], name: str) -> list[str]:
    return [text for text in (text_parameter(source, name) for source in sources) if text]


def _accounts(params: PhpArray, tables: Tables) -> list[str]:
    wanted = text_parameter(params, "id")
    if wanted:
        return [f"account:{to_int(wanted)}"]
    rows = tables["reg_users"].find(text_parameter(params, "username"))
    return [f"account:{row['id']}" for row in rows[:1]]
