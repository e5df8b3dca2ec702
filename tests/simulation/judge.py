"""The judge: holds what is on the panel, in our records and in callers' hands against each other.

The names are those of the invariants in `docs/operations.md`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from gateway.domain.audit import Phase
from gateway.domain.calls import CreateDevice, CreateLine
from gateway.domain.devices import Device
from gateway.domain.events import Event, EventType
from gateway.domain.lines import Line
from gateway.domain.operations import Operation, OperationState
from gateway.domain.subscriptions import Status, Subscription
from gateway.services.codec import unpack
from gateway.services.engine import Envelope
from gateway.services.renew import RenewRequest
from gateway.simulator.actions.devices import stored_mac
from gateway.simulator.verdict import KEPT
from tests.simulation.loop import KilledError
from tests.simulation.process import SECRET_MARK

if TYPE_CHECKING:
    from gateway.simulator.tables import Row
    from tests.simulation.chaos import SeededFaults
    from tests.simulation.clients import Clients
    from tests.simulation.process import World

_FINAL: Final = (Phase.SUCCEEDED, Phase.FAILED)
_ENDS: Final = {
    EventType.OPERATION_SUCCEEDED: OperationState.SUCCEEDED,
    EventType.OPERATION_FAILED: OperationState.FAILED,
}
_CREATES: Final = frozenset({"line.create", "device.create"})
_STRAYS: Final = frozenset({"line.disable_stray", "device.disable_stray"})


def note_death(world: World, error: BaseException) -> None:
    """Note why the workers of a process ended, if it was not killed."""
    if not isinstance(error, KilledError):
        world.violate("I11", f"the workers ended with {error!r}")


def hold(world: World, clients: Clients, faults: SeededFaults) -> None:
    """Note every violation of a history that has come to its end."""
    _Judge(world, clients, faults).hold()


class _Judge:
    def __init__(self, world: World, clients: Clients, faults: SeededFaults) -> None:
        self.world = world
        self.data = world.shared.data
        self.clients = clients
        self.faults = faults
        self.arrived: dict[str, list[int]] = defaultdict(list)
        """Requests that reached the panel, by operation."""
        self.events: dict[str, list[Event]] = defaultdict(list)
        """Events in the order of their commits, by resource."""
        for event in self.data.events.values():
            self.events[event.resource_id].append(event)
        self.late: set[str] = set()
        """Operations with an effect that came after the waiting time."""
        self.users = list(world.panel.tables["users"])
        self.boxes: dict[int, Row] = {
            int(row["user_id"] or 0): row for row in world.panel.tables["mag_devices"]
        }

    def hold(self) -> None:
        self._read_the_ledger()
        by_tag: dict[str, list[Row]] = defaultdict(list)
        for row in self.users:
            by_tag[str(row["admin_notes"] or "").partition("\n")[0]].append(row)
        for operation in self.data.operations.values():
            self._audit(operation)
            self._credits(operation)
            self._told(operation)
            self._secrets(operation)
            if operation.kind in _CREATES:
                self._creation(operation, by_tag[operation.id])
        renewals = self._renewals()
        for line in self.data.lines.values():
            self._line(line, renewals)
        for device in self.data.devices.values():
            self._device(device, renewals)
        self._reads()
        self._answers()
        self._entries()
        self._events()
        self._strangers()

    def _read_the_ledger(self) -> None:
        sent = {one.number: one for one in self.world.sent}
        settle = self.world.chaos.settle_seconds
        for record in self.world.panel.ledger.records:
            one = sent.get(record.port)
            if one is None:
                if any(effect.table in KEPT for effect in record.effects):
                    self.world.violate("I4", f"request {record.seq} has an effect and no operation")
                continue
            self.arrived[one.operation_id].append(record.port)
            if self.faults.lateness(record.fault_id) > settle:
                self.late.add(one.operation_id)

    # --- one operation ---------------------------------------------------------------------------

    def _audit(self, operation: Operation) -> None:
        phases = self.data.phases.get(operation.id, ())
        ends = sum(phase in _FINAL for phase in phases)
        wanted = 1 if operation.state.is_final else 0
        if ends != wanted:
            self._violate("I4", operation, f"has {ends} final entries: {[*phases]}")
        if phases.count(Phase.STARTED) != 1 and operation.kind not in _STRAYS:
            self._violate("I4", operation, f"has not one beginning: {[*phases]}")

    def _told(self, operation: Operation) -> None:
        told = [event for event in self.events[operation.id] if event.type in _ENDS]
        ends = [_ENDS[event.type] for event in told]
        wanted = [operation.state] if operation.state.is_final else []
        if ends != wanted:
            self._violate("I10", operation, f"has the events {ends}")
        if told and told[-1].data["state"] != operation.state.value:
            self._violate("I10", operation, f"was told as {told[-1].data['state']}")

    def _credits(self, operation: Operation) -> None:
        held = self.data.holds.get(operation.id)
        if operation.kind in _STRAYS:
            if held is not None:
                self._violate("I3", operation, "was billed")
            return
        state = "nothing" if held is None else held[1]
        if held is not None and held[0] != operation.owner_path:
            self._violate("I3", operation, "was charged to somebody else")
        wanted: tuple[str, ...]
        match operation.state:
            case OperationState.SUCCEEDED:
                wanted = ("captured",)
                if operation.kind.startswith("device.") and operation.kind not in _CREATES:
                    wanted = ("captured", "released")  # It may have been as asked before.
            case OperationState.FAILED:
                wanted = ("released",)
            case _:
                wanted = ("held",)
        if state not in wanted:
            self._violate("I3", operation, f"has credits {state}")
        if state == "released" and operation.state is OperationState.SUCCEEDED:
            self._unchanged(operation)

    def _unchanged(self, operation: Operation) -> None:
        ports = set(self.arrived[operation.id])
        for record in self.world.panel.ledger.records:
            if record.port in ports and any(e.table in KEPT for e in record.effects):
                self._violate("I3", operation, "changed something for nothing")

    def _secrets(self, operation: Operation) -> None:
        if operation.problem is not None and SECRET_MARK in operation.problem.detail:
            self._violate("I13", operation, "tells a secret in its problem")

    def _creation(self, operation: Operation, rows: list[Row]) -> None:
        """Hold what the panel has of a creation against what became of it."""
        found = [row for row in rows if not row["is_mag"] or row["id"] in self.boxes]
        enabled = [row for row in found if row["enabled"]]
        is_late = operation.id in self.late
        match operation.state:
            case OperationState.SUCCEEDED:
                if not found and operation.resource_id not in self.world.removed:
                    self._violate("I1", operation, "succeeded, and is not on the panel")
                if len(found) > 1 and not is_late:
                    self._violate("I2", operation, f"is {len(found)} times on the panel")
            case OperationState.FAILED:
                if enabled and not self._is_handed_over(operation):
                    self._violate("I7", operation, "failed, and is enabled on the panel")
                if found and not is_late:
                    self._violate("I7", operation, "failed, and is on the panel")
            case _:
                if len(found) > 1 and not is_late:
                    self._violate("I2", operation, f"is {len(found)} times on the panel")

    def _is_handed_over(self, failed: Operation) -> bool:
        """Tell whether a person was asked to disable what could not be disabled (R7)."""
        found = self._by_resource()[failed.resource_id]
        return any(each.kind in _STRAYS and each.state is OperationState.MANUAL for each in found)

    # --- lines and devices -----------------------------------------------------------------------

    def _line(self, line: Line, renewals: dict[str, int]) -> None:
        if self._is_open(line) or self._is_removed(line):
            return
        rows = [
            row
            for row in self.users
            if row["username"] == line.username and row["password"] == line.password.reveal()
        ]
        late = self._created(line)[0] in self.late
        if not rows or (len(rows) > 1 and not late):
            self._wrong("I1", line, f"is {len(rows)} times on the panel with its password")
            return
        self._same(line, rows[0], renewals)

    def _device(self, device: Device, renewals: dict[str, int]) -> None:
        if self._is_open(device) or self._is_removed(device):
            return
        boxes = [row for row in self.boxes.values() if row["mac"] == stored_mac(device.mac)]
        late = self._created(device)[0] in self.late
        if not boxes or (len(boxes) > 1 and not late):
            self._wrong("I1", device, f"is {len(boxes)} times on the panel")
            return
        rows = [row for row in self.users if row["id"] == boxes[0]["user_id"]]
        if not rows:
            self._wrong("I1", device, "has no line behind it")
            return
        self._same(device, rows[0], renewals)

    def _is_open(self, resource: Line | Device) -> bool:
        """Tell whether a person has to decide what it is."""
        unsettled = resource.status in {Status.PENDING, Status.UNKNOWN}
        return unsettled or resource.id in self.data.open

    def _is_removed(self, resource: Line | Device) -> bool:
        """Tell whether somebody else deleted it; nothing may have succeeded since.

        A ghost of its creation that comes after that makes it once more.
        """
        since = self.world.removed.get(resource.id)
        if since is None:
            return False
        if self._created(resource)[0] in self.late:
            return True
        for operation in self._by_resource()[resource.id]:
            began = operation.sent_at is not None and operation.sent_at > since
            if began and operation.state is OperationState.SUCCEEDED:
                self._violate("I1", operation, "succeeded on what was not there")
        return True

    def _same(self, resource: Line | Device, row: Row, renewals: dict[str, int]) -> None:
        """Hold a row against the record: what succeeded last is what is there (I9)."""
        live = resource.status is Status.LIVE and resource.suspended_by is None
        expires = None if resource.expires_at is None else int(resource.expires_at.timestamp())
        wanted = {
            "enabled": int(live),
            "exp_date": expires,
            "max_connections": resource.max_connections or 0,
            "reseller_notes": resource.notes,
        }
        found = {name: row[name] for name in wanted}
        if found != wanted:
            self._wrong("I9", resource, f"is {found} on the panel, and should be {wanted}")
        _, first = self._created(resource)
        if first is not None and expires != first + renewals.get(resource.id, 0):
            late = (expires or 0) - first - renewals.get(resource.id, 0)
            self._wrong("I9", resource, f"ends {late / 86_400:+.2f} days off its renewals")

    def _created(self, resource: Line | Device) -> tuple[str, int | None]:
        """Return the creation of a line or device, and the expiry that it asked for."""
        made: type[Any] = CreateLine if isinstance(resource, Line) else CreateDevice
        for operation in self._by_resource().get(resource.id, ()):
            if operation.kind in _CREATES and operation.desired is not None:
                expires = unpack(operation.desired, made).expires_at
                return operation.id, None if expires is None else int(expires.timestamp())
        return "", None

    def _by_resource(self) -> dict[str, list[Operation]]:
        if not hasattr(self, "_grouped"):
            self._grouped: dict[str, list[Operation]] = defaultdict(list)
            for operation in self.data.operations.values():
                self._grouped[operation.resource_id].append(operation)
        return self._grouped

    def _renewals(self) -> dict[str, int]:
        """Return by how many seconds renewals that succeeded moved each expiry."""
        moved: dict[str, int] = defaultdict(int)
        for operation in self.data.operations.values():
            if operation.kind.endswith(".renew") and operation.state is OperationState.SUCCEEDED:
                request = unpack(operation.request, Envelope).request
                period = unpack(bytes(request), RenewRequest).term.period
                moved[operation.resource_id] += 0 if period is None else period.seconds
        return moved

    def _reads(self) -> None:
        """Condemn reads that were too old (I6).

        Where a ghost of the creation came after the waiting time, there is a second row with the
        same credentials, and the panel may show either.
        """
        for resource_id, text in self.world.doubts:
            one = self.data.lines.get(resource_id) or self.data.devices.get(resource_id)
            if one is None or self._created(one)[0] not in self.late:
                self.world.violations.append(f"I6: {text}")

    # --- what was told ---------------------------------------------------------------------------

    def _answers(self) -> None:
        """Hold all answers of one operation, and all operations of one key, together (I8)."""
        told: dict[str, bytes] = {}
        for intent in self.clients.intents:
            for one in intent.told:
                if told.setdefault(one.operation_id, one.answer) != one.answer:
                    self.world.violate("I8", f"{one.operation_id} has two final answers")
                self._told_the_truth(one.operation_id, one.answer)
        owners: dict[tuple[str, str], set[str]] = defaultdict(set)
        for operation in self.data.operations.values():
            request_id = operation.asker.request_id
            intent_number = request_id.removeprefix("request-")
            if not intent_number.isdigit():
                continue
            intent = self.clients.intents[int(intent_number)]
            if intent.key is not None and self.arrived[operation.id]:
                owners[(operation.owner_path, intent.key)].add(operation.id)
        for (_, key), operations in owners.items():
            if len(operations) > 1:
                self.world.violate("I8", f"{key} was sent for {sorted(operations)}")

    def _told_the_truth(self, operation_id: str, answer: bytes) -> None:
        operation = self.data.operations.get(operation_id)
        if operation is None or not operation.state.is_final:
            self.world.violate("I8", f"{operation_id} was told to be final, and is not")
        elif (operation.state is OperationState.SUCCEEDED) != answer.startswith(b"{"):
            self._violate("I8", operation, f"is {operation.state}; told was {answer[:60]!r}")

    def _strangers(self) -> None:
        """Nothing of anybody else is touched, and none of it becomes ours."""
        rows = {int(row["id"] or 0): row for row in self.users}
        for own, before in self.world.strangers.items():
            if rows.get(own) != before:
                self.world.violate("I5", f"the line of a stranger was changed: {before}")
        for one in (*self.data.lines.values(), *self.data.devices.values()):
            if one.panel_line_id in self.world.strangers:
                self._wrong("I5", one, "was adopted from a stranger")

    def _entries(self) -> None:
        owners = {tenant.reseller.owner_path: tenant.canary for tenant in self.clients.tenants}
        for entry in self.data.entries.values():
            text = f"{entry.before}{entry.after}{entry.code}"
            if SECRET_MARK in text:
                self.world.violate("I13", f"a secret is in the audit log: {entry.action}")
            for path, canary in owners.items():
                if path != entry.owner_path and canary in text:
                    self.world.violate("I5", f"{canary} stands in another's audit log")

    def _events(self) -> None:
        owners = {tenant.reseller.owner_path: tenant.canary for tenant in self.clients.tenants}
        for resource_id, events in self.events.items():
            numbers = [event.sequence for event in events]
            if numbers != list(range(1, len(events) + 1)):
                self.world.violate("I10", f"the events of {resource_id} are numbered {numbers}")
        for event in self.data.events.values():
            text = str(event.data)
            if SECRET_MARK in text:
                self.world.violate("I13", f"a secret is in an event: {event.type}")
            for path, canary in owners.items():
                if path != event.owner_path and canary in text:
                    self.world.violate("I5", f"{canary} stands in another's event")

    def _violate(self, invariant: str, operation: Operation, text: str) -> None:
        trail = f"{operation.id} ({operation.kind}, {operation.state}, "
        trail += f"{operation.attempts} attempts, requests {self.arrived[operation.id]})"
        self.world.violate(invariant, f"{trail} {text}")

    def _wrong(self, invariant: str, resource: Subscription, text: str) -> None:
        own = resource.id  # type: ignore[attr-defined]
        operations = [
            f"{each.kind} {each.state} {self.arrived[each.id]}"
            for each in self._by_resource().get(own, ())
        ]
        self.world.violate(invariant, f"{own} ({resource.status}) {text}; {operations}")
