"""What stands before the calls: caller address, key, database.

Also the answers of a panel whose database or configuration is broken, as they were recorded.
"""

from __future__ import annotations

from typing import Final

from gateway.simulator.messages import PanelAnswer
from gateway.simulator.php import PhpArray, is_empty, loosely_equal
from gateway.simulator.switches import ANY_SOURCE, Switches
from gateway.simulator.tables import Tables

IP_FORBIDDEN: Final[PhpArray] = {"result": False, 0: "IP FORBIDDEN"}
KEY_WRONG: Final[PhpArray] = {"result": False, 0: "KEY WRONG"}

_WARNING: Final = (
    "<br />\n<b>Warning</b>:  mysqli::real_connect(): ({code}): {text} in "
    "<b>/home/xtreamcodes/iptv_xtream_codes/wwwdir/includes/mysql.php</b> on line "
    "<b>41</b><br />\n"
)
_DATABASE: Final = {
    "down": ("HY000/2002", "Connection refused"),
    "auth_refused": (
        "HY000/1045",
        "Access denied for user 'user_iptvpro'@'localhost' (using password: YES)",
    ),
}


def is_allowed_caller(caller: str, switches: Switches, tables: Tables) -> bool:
    """Tell whether *caller* may use the script; the list in `api_ips` is not trimmed."""
    if ANY_SOURCE in switches.trusted_ips or caller in switches.trusted_ips:
        return True
    servers = {row["server_ip"] for row in tables["servers"]}
    return caller in servers or caller in switches.api_ips.split(",")


def is_right_key(params: PhpArray, switches: Switches) -> bool:
    """Tell whether the key sent equals the setting, compared loosely; "" and "0" ask for none."""
    if is_empty(switches.api_pass):
        return True
    return loosely_equal(params.get("api_pass"), switches.api_pass)


def database_failure(switches: Switches) -> PanelAnswer | None:
    """Return the answer of a panel that cannot reach its configuration or its database."""
    if switches.config == "missing":
        return PanelAnswer(200, b"no config found")
    if switches.database == "up":
        return None
    code, text = _DATABASE[switches.database]
    warning = "" if switches.hide_php_warnings else _WARNING.format(code=code, text=text)
    return PanelAnswer(200, f'{warning}{{"error":"MySQL: {text}"}}'.encode())
