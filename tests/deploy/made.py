"""The parts of the chart that are made from the gateway's settings, and its table of values.

A setting is one of three: the chart's own (where pods listen), secret (an entry of the Secret), or
plain (an entry below `settings`). A new setting is plain, unless its type says that it is secret.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gateway.settings import NESTED, Settings

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "helm" / "xtream-gateway"
VALUES: Final = CHART / "values.yaml"
SCHEMA: Final = CHART / "values.schema.json"
GUIDE: Final = CHART / "README.md"

#: Where pods listen, and show that they live, is the chart's business: probes and Services name it.
OF_THE_CHART: Final = frozenset({"bind", "ops_bind", "heartbeat_path"})
#: Plain text to the gateway, but a URL with a password in it.
URLS_WITH_PASSWORDS: Final = frozenset({"database_url", "redis_url"})
#: Without these the gateway runs; their key in the Secret may be empty.
OPTIONAL_SECRETS: Final = frozenset({"redis_url", "smtp__password"})
#: What the types do not say, so that a wrong value is refused before it is installed.
NARROWER: Final[dict[str, dict[str, Any]]] = {
    "public_url": {"pattern": "^(https?://[^/?#]+(/[^?#]*)?)?$"},
    "trusted_proxies": {
        "items": {"type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"},
    },
}
SECRET_KEY: Final = "[-._a-zA-Z0-9]"
YAML_PART: Final = re.compile(r"(?<=# made: settings\n).*?(?=# end\n)", re.DOTALL)
COLUMNS: Final = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the gateway."""

    path: tuple[str, ...]
    field: FieldInfo
    default: Any

    @property
    def name(self) -> str:
        return NESTED.join(self.path)

    @property
    def is_secret(self) -> bool:
        return self.name in URLS_WITH_PASSWORDS or SecretStr.__name__ in str(self.field.annotation)


def settings(part: BaseModel | None = None, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Yield every setting that a deployment gives to the gateway."""
    part = Settings() if part is None else part
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from settings(value, (*path, name))
        elif (*path, name) not in {(own,) for own in OF_THE_CHART}:
            yield Setting((*path, name), field, value)


def secret_names() -> set[str]:
    """Return the names that belong below `existingSecret.keys`."""
    return {setting.name for setting in settings() if setting.is_secret}


# --- values.yaml -----------------------------------------------------------------------------


def settings_yaml() -> str:
    """Return `settings:` with every plain setting, its default and its sentence."""
    lines = ["settings:"]
    open_path: tuple[str, ...] = ()
    for setting in settings():
        if setting.is_secret:
            continue
        *groups, name = setting.path
        for depth, group in enumerate(groups, 1):
            if open_path[:depth] != tuple(groups[:depth]):
                lines.append(f"{'  ' * depth}{group}:")
        open_path = tuple(groups)
        indent = "  " * len(setting.path)
        sentence = setting.field.description or ""
        lines += textwrap.wrap(
            sentence, COLUMNS, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        lines.append(f"{indent}{name}: {json.dumps(_plain(setting.default))}")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    """Return a default as YAML has it; none is an empty text, which the chart leaves out."""
    if value is None:
        return ""
    if isinstance(value, tuple | list | set | frozenset):
        return [str(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, bool | int | float) else str(value)


# --- values.schema.json ----------------------------------------------------------------------


def settings_schema() -> dict[str, Any]:
    """Return the schema of `settings`."""
    made = _object()
    whole = Settings.model_json_schema()
    for setting in settings():
        if setting.is_secret:
            continue
        inner, given = made, whole
        for group in setting.path[:-1]:
            given = _definition(whole, given["properties"][group])
            inner = _put(inner, group, _object())
        name = setting.path[-1]
        plain = _inlined(given["properties"][name], whole["$defs"])
        _put(inner, name, _property(setting, plain))
    return made


def _inlined(given: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with what it refers to in place, and without pydantic's titles."""
    if isinstance(given, list):
        return [_inlined(each, definitions) for each in given]
    if not isinstance(given, dict):
        return given
    if "$ref" in given:
        given = definitions[given["$ref"].rpartition("/")[2]]
        given = {name: value for name, value in given.items() if name != "description"}
    return {
        name: _inlined(value, definitions)
        for name, value in given.items()
        if name != "title" or not isinstance(value, str)
    }


def _object() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": [], "properties": {}}


def _put(inner: dict[str, Any], name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Put a required property; return what is there under that name."""
    if name not in inner["properties"]:
        inner["required"].append(name)
    found: dict[str, Any] = inner["properties"].setdefault(name, schema)
    return found


def _definition(whole: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    reference = given.get("$ref") or given["allOf"][0]["$ref"]
    found: dict[str, Any] = whole["$defs"][reference.rpartition("/")[2]]
    return found


def _property(setting: Setting, given: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if name not in {"default", "title"}}
    if "anyOf" in kept:
        others = [one for one in kept["anyOf"] if one != {"type": "null"}]
        kept["anyOf"] = [*others, {"const": ""}]
    return {
        "description": setting.field.description or "",
        **kept,
        **NARROWER.get(setting.name, {}),
    }


def secret_keys_schema() -> dict[str, Any]:
    """Return the schema of `existingSecret.keys`."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(secret_names()),
        "properties": {
            setting.name: {
                "description": f"Key in the Secret of: {setting.field.description}",
                "type": "string",
                "pattern": f"^{SECRET_KEY}{'*' if setting.name in OPTIONAL_SECRETS else '+'}$",
            }
            for setting in settings()
            if setting.is_secret
        },
    }


def schema() -> dict[str, Any]:
    """Return values.schema.json with the parts that are made, made anew."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found["properties"]["settings"] = settings_schema()
    found["properties"]["existingSecret"]["properties"]["keys"] = secret_keys_schema()
    return found


def schema_text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


# --- README.md -------------------------------------------------------------------------------


def values_table() -> str:
    """Return every value with its default and meaning."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for path, default, meaning in values():
        cells = f"`{'.'.join(path)}`", f"`{json.dumps(default)}`", meaning
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def values() -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """Yield each documented value: its path, default and sentence."""
    defaults = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    yield from _values(json.loads(SCHEMA.read_text(encoding="utf-8")), defaults, ())


def _values(
    part: dict[str, Any], defaults: dict[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for name, inner in part["properties"].items():
        if (*path, name) == ("global",):
            continue
        if "description" in inner:
            yield (*path, name), defaults[name], inner["description"]
        else:
            yield from _values(inner, defaults[name], (*path, name))
