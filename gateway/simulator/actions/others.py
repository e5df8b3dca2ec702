"""Panel accounts, servers and streams."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from gateway.simulator.actions import answers
from gateway.simulator.call import Call
from gateway.simulator.lineinfo import printed
from gateway.simulator.php import PhpArray, PhpValue, to_float, to_int
from gateway.simulator.phpjson import CannotRead, read_json
from gateway.simulator.schema import MEMBER_GROUPS
from gateway.simulator.tables import Row

_HUGE = Decimal("1e300")


async def list_accounts(call: Call) -> PhpValue:
    """List the panel's own accounts, resellers and others."""
    listed: PhpArray = {}
    for place, row in enumerate(call.tables["reg_users"]):
        group = row["member_group_id"]
        listed[place] = {
            "id": printed(call, row["id"]),
            "username": row["username"],
            "credits": printed(call, row["credits"]),
            "group_id": printed(call, group),
            "group_name": MEMBER_GROUPS.get(int(group or 0), ""),
            "last_login": printed(call, row["last_login"]),
            "date_registered": printed(call, row["date_registered"]),
            "email": row["email"],
            "ip": row["ip"],
            "status": printed(call, row["status"]),
        }
    return listed


async def credits(call: Call) -> PhpValue:  # noqa: A001 - the panel's word for it.
    """Add to an account's balance: read, add, write back, with nothing held in between."""
    if call.given("amount") is None or (
        call.given("id") is None and call.given("username") is None
    ):
        return answers.NO_AMOUNT
    amount = two_decimals(to_float(call.params["amount"]))
    await call.step("check")
    account = _account(call)
    if account is None:
        return answers.NOT_EXISTS
    balance = two_decimals(float(account["credits"] or 0) + float(amount))
    if balance < 0:
        return {"result": True, "error": "NOT ENOUGH CREDITS"}
    for _ in range(call.tampering.credits - 1):
        balance = two_decimals(float(balance) + float(amount))
    key = int(account["id"] or 0)
    await call.update("write_1", "reg_users", [key], {"credits": float(balance)})
    await call.log("", "", f"[API->ADD Credits {amount:.2f}]")
    return answers.DONE


def two_decimals(number: float) -> Decimal:
    """PHP's round(number, 2): what 15 significant digits show decides."""
    exact = Decimal(f"{number:.15g}")
    if not exact.is_finite():
        return _HUGE.copy_sign(exact)
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_UP) if abs(exact) < 10**20 else exact
    return rounded + 0 if rounded else Decimal("0.00")


def _account(call: Call) -> Row | None:
    table = call.tables["reg_users"]
    wanted = call.given("id")
    if wanted is not None:
        found = table.rows.get(0 if isinstance(wanted, dict) else to_int(wanted))
        return None if found is None else dict(found)
    rows = table.find(call.argument("username"))
    return dict(rows[0]) if rows else None


async def list_servers(call: Call) -> PhpValue:
    """List the panel's servers."""
    listed: PhpArray = {}
    for place, row in enumerate(call.tables["servers"]):
        listed[place] = {
            "id": row["id"],
            "server_name": row["server_name"],
            "online": row["status"] == 1,
            "info": _hardware(row["server_hardware"]),
        }
    return listed


def _hardware(cell: object) -> PhpValue:
    try:
        return read_json(str(cell)) if cell is not None else None
    except CannotRead:
        return None


async def list_streams(call: Call) -> PhpValue:
    """List all streams but films."""
    live = [row for row in call.tables["streams"] if row["type"] != 2]
    return {
        place: {"id": printed(call, row["id"]), "stream_name": row["stream_display_name"]}
        for place, row in enumerate(live)
    }


async def online_streams(call: Call) -> PhpValue:
    """List where streams run."""
    return _where(call, lambda row: int(row["pid"] or 0) > 0 and row["stream_status"] == 0)


async def offline_streams(call: Call) -> PhpValue:
    """List where streams have failed."""
    return _where(call, lambda row: row["stream_status"] == 1)


def _where(call: Call, wanted: Callable[[Row], bool]) -> PhpArray:
    streams = call.tables["streams"].rows
    found: dict[int, dict[int, None]] = {}
    for row in call.tables["streams_sys"]:
        stream = int(row["stream_id"] or 0)
        if wanted(row) and stream in streams and streams[stream]["type"] != 2:
            found.setdefault(stream, {})[int(row["server_id"] or 0)] = None
    return {stream: dict(enumerate(servers)) for stream, servers in found.items()}


async def control_streams(call: Call) -> PhpValue:
    """Start or stop streams: always true, whether or not a server reacts."""
    await call.step("check")
    return answers.DONE
