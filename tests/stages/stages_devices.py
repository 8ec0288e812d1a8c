"""Block devices on paper, and a fake machine that acts on them: the outermost edge of the stage `disks`."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from provision.apply.commands import run
from provision.apply.devices import MIB, BlockDevice, PartitionTable, Signature, TableEntry
from provision.apply.plan.devices import Surroundings
from provision.apply.programs import Ended
from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Clevis, Config, Resource
from provision.record import JsonSource, Problem, View, decode

VDA = "/dev/vda"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
HOME = "933AC7E1-2EB4-4F13-B844-0E14E2AEF915"
IDS = "00000000-0000-4000-8000-00000000000"


def storage(**sections: Any) -> Config:
    """A config of the newest spec with storage alone."""
    problems: list[Problem] = []
    document = {"ignition": {"version": "3.7.0-experimental"}, "storage": sections}
    made = decode(Config, document, View(NEWEST), JsonSource(), problems)
    assert not problems
    return made


def entry(number: int, start_mib: int, size_mib: int, label: str = "", sector: int = 512) -> TableEntry:
    """A partition in a table; its id ends in its number."""
    scale = MIB // sector
    return TableEntry(
        number=number, start=start_mib * scale, size=size_mib * scale, label=label, guid=f"{IDS}{number:X}", type_guid=LINUX,
    )  # fmt: skip


def disk(*entries: TableEntry, path: str = VDA, kind: str = "gpt", sector: int = 512, **more: Any) -> BlockDevice:
    """A disk of 1 GiB."""
    sectors = (1 << 30) // sector
    margin = 34 if sector == 512 else 6
    table = PartitionTable(
        kind=kind, first_usable=margin, last_usable=sectors - margin, slots=128, entries=entries
    ) if kind == "gpt" else PartitionTable(kind=kind)  # fmt: skip
    return BlockDevice(path=path, size=1 << 30, sector_size=sector, kind="disk", disks=(path,), table=table, **more)


def part(whole: BlockDevice, number: int, *holds: Signature, **more: Any) -> BlockDevice:
    """The device of a disk's partition."""
    found = whole.table.entry(number)
    assert found is not None
    return BlockDevice(
        path=f"{whole.path}{number}", size=found.size * whole.sector_size, sector_size=whole.sector_size, kind="partition",
        disks=(whole.path,), parent=whole.path, number=number, start=found.start, signatures=holds, **more,
    )  # fmt: skip


def surroundings(*devices: BlockDevice) -> Surroundings:
    """What planners see."""
    return Surroundings(devices)


NEW_GUID = "0F1E2D3C-4B5A-4978-8796-A5B4C3D2E1F0"


TRIES = 5


class FakeDevices:
    """A machine that notes what it is told to do. Implements `operations.devices.Devices`.

    `fails` are words of commands that fail; `answers` what a program says; devices are what `known` says, now.
    """

    def __init__(self, *known: BlockDevice, fails: str = "", gone: Collection[str] = ()) -> None:
        self.known = {device.path: device for device in known}
        self.fails, self.gone = fails, gone
        self.answers: dict[str, Ended] = {}
        self.calls: list[tuple[str, ...]] = []
        self.notices: list[str] = []
        self.kept: list[str] = []
        self.queues: tuple[str, ...] = ()
        self.reached: list[Clevis] = []
        self.secret: list[str] = []

    def run(self, program: str, *arguments: str, secret: bool = False, accept: Collection[int] = (0,)) -> Ended:
        self.calls.append((program, *arguments))
        self.secret += [program] if secret else []
        if self.fails and self.fails in (program, *arguments):
            raise ProvisionError(f"{program} ended with status 1")
        ended = self.answers.get(program, Ended(0, b""))
        if ended.status not in accept:
            raise ProvisionError(f"{program} ended with status {ended.status}")
        return ended

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def look(self, path: str) -> BlockDevice:
        if path not in self.known:
            raise ProvisionError(f"{path} is no block device of this machine")
        return self.known[path]

    def exists(self, path: str) -> bool:
        return path in self.known and path not in self.gone

    def settle(self, path: str) -> None:
        self.calls.append(("settle", path))

    def keep_trying(self, attempt: Callable[[], bool]) -> bool:
        return any(attempt() for _ in range(TRIES))

    def flush(self, path: str) -> None:
        self.calls.append(("flush", path))

    def save_table(self, path: str, sector_size: int, slots: int, before: int) -> bool:
        self.calls.append(("save", path))
        return True

    def drop_table(self, path: str, sector_size: int) -> None:
        self.calls.append(("drop", path))

    def new_guid(self) -> str:
        return NEW_GUID

    def finish_vfat(self, path: str, uuid: str) -> None:
        self.calls.append(("finish", path, uuid))

    def wait_for(self, path: str) -> str:
        if path in self.gone:
            raise ProvisionError(f"there is no device {path}")
        return path

    @contextmanager
    def key_file(self, volume: str, source: Resource, *, is_cex: bool = False) -> Iterator[str]:
        self.calls.append(("key", volume))
        try:
            yield f"/key/{volume}"
        finally:
            self.calls.append(("unlink", volume))

    def keep_key(self, volume: str) -> None:
        self.kept.append(volume)

    def keep_secure_key(self, volume: str, host_path: str) -> None:
        self.kept.append(host_path)

    def cca_queues(self) -> tuple[str, ...]:
        return self.queues

    def size_of_secure_key(self, host_path: str) -> int:
        return 136

    def check_reachable(self, clevis: Clevis) -> None:
        self.reached.append(clevis)

    def lines(self, program: str = "") -> list[str]:
        """The calls as lines, of one program."""
        return [" ".join(call) for call in self.calls if not program or call[0] == program]


class RealPrograms(FakeDevices):
    """The same, but programs are run for real."""

    def run(self, program: str, *arguments: str, secret: bool = False, accept: Collection[int] = (0,)) -> Ended:
        self.calls.append((program, *arguments))
        return run(program, *arguments, secret=secret, accept=accept)


def is_root() -> bool:
    """Whether this process may do all."""
    return os.geteuid() == 0
