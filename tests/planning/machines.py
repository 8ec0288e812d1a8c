"""Machines that exist on paper only: the facts of tests and cases. Run as a program it writes those of the cases anew."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from provision.apply.accounts import Account, Team
from provision.apply.devices import BlockDevice, PartitionTable, Signature, TableEntry
from provision.apply.facts_file import Host, MachineFacts, RecordedNode, RecordedRoot, to_json
from provision.ignition import NEWEST, Config
from provision.record import JsonSource, Problem, View, decode

CASES = Path(__file__).parent / "cases"
MIB = 2048  # sectors of 512 bytes
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
BIOS = "21686148-6449-6E6F-744E-656564454649"
HOST = Host(architecture="x86_64", kernel="6.12.0", tool="0.3.0", date="2026-07-26T04:00:00Z", is_root=True)


def config(**sections: Any) -> Config:
    """A config of the newest spec from its sections as JSON."""
    problems: list[Problem] = []
    document = {"ignition": {"version": "3.7.0-experimental"}, **sections}
    made = decode(Config, document, View(NEWEST), JsonSource(), problems)
    assert not problems
    return made


def data(text: str) -> dict[str, str]:
    """A resource that holds a text."""
    return {"source": "data:," + quote(text)}


def signature(kind: str, label: str = "", usage: str = "filesystem", **more: str) -> Signature:
    """What a device holds."""
    return Signature(type=kind, usage=usage, label=label, uuid=f"uuid-of-{label or kind}", **more)


def part(number: int, start_mib: int, size_mib: int, label: str = "", type_guid: str = LINUX) -> TableEntry:
    """An entry of a table, in MiB."""
    return TableEntry(
        number=number, start=start_mib * MIB, size=size_mib * MIB, label=label, type_guid=type_guid,
        guid=f"00000000-0000-4000-8000-{number:012X}",
    )  # fmt: skip


def disk(
    path: str, size_gib: int, *entries: TableEntry, holds: dict[int, Signature] | None = None, names: tuple[str, ...] = (),
    used: dict[int, str] | None = None,
) -> tuple[BlockDevice, ...]:  # fmt: skip
    """A disk with a GPT and the devices of its partitions."""
    size = size_gib << 30
    table = PartitionTable(
        kind="gpt", guid="00000000-0000-4000-8000-0000000000AA", first_usable=34, last_usable=size // 512 - 34, slots=128,
        entries=entries,
    )  # fmt: skip
    whole = BlockDevice(path=path, names=names, size=size, sector_size=512, kind="disk", disks=(path,), table=table)
    return whole, *(
        partition(whole, entry, (holds or {}).get(entry.number), (used or {}).get(entry.number)) for entry in entries
    )


def partition(whole: BlockDevice, entry: TableEntry, holds: Signature | None, used: str | None) -> BlockDevice:
    """The device of a partition."""
    names = [f"/dev/disk/by-partlabel/{entry.label}"] if entry.label else []
    names += [f"/dev/disk/by-label/{holds.label}"] if holds is not None and holds.label else []
    return BlockDevice(
        path=f"{whole.path}{entry.number}", names=tuple(names), size=entry.size * 512, sector_size=512, kind="partition",
        disks=(whole.path,), parent=whole.path, number=entry.number, start=entry.start,
        signatures=(holds,) if holds is not None else (), used_by=(used,) if used else (),
    )  # fmt: skip


def blank(path: str, size_gib: int, *holds: Signature, table: str = "") -> BlockDevice:
    """A disk without a GPT."""
    return BlockDevice(
        path=path, size=size_gib << 30, sector_size=512, kind="disk", disks=(path,), signatures=holds,
        table=PartitionTable(kind=table),
    )  # fmt: skip


def directory(path: str, *, listed: bool = True, mode: str = "0755") -> RecordedNode:
    """A directory, with all that lies in it unless it is not listed."""
    return RecordedNode(path=path, kind="directory", mode=mode, owner="0:0", listed=listed)


def file(path: str, content: str, mode: str = "0644", owner: str = "0:0") -> RecordedNode:
    """A file."""
    data = content.encode()
    return RecordedNode(
        path=path, kind="file", mode=mode, owner=owner, size=len(data), sha512=hashlib.sha512(data).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def link(path: str, target: str) -> RecordedNode:
    """A symbolic link."""
    return RecordedNode(path=path, kind="link", mode="0777", owner="0:0", target=target)


def account(name: str, number: int, home: str = "") -> Account:
    """A user."""
    return Account(name=name, uid=number, gid=number, gecos="", home=home or f"/home/{name}", shell="/bin/bash")


def server() -> MachineFacts:
    """A machine that runs: a system disk, a data disk, two blank disks and one with an old table."""
    devices = (
        *disk(
            "/dev/vda", 20, part(1, 1, 1, "BIOS-BOOT", BIOS), part(2, 2, 512, "boot"), part(3, 514, 4096, "root"),
            holds={2: signature("ext4", "boot"), 3: signature("xfs", "root")}, names=("/dev/disk/by-id/virtio-system",),
        ),
        *disk(
            "/dev/vdb", 100, part(1, 1, 20480, "data"), part(2, 20481, 10240, "old"), part(3, 30721, 1024, "spare"),
            holds={1: signature("ext4", "data"), 2: signature("xfs", "old")},
        ),
        blank("/dev/vdc", 50),
        blank("/dev/vdd", 50, signature("linux_raid_member", "", "raid")),
        blank("/dev/vde", 8, table="dos"),
    )  # fmt: skip
    folders = (
        "/",
        "/etc",
        "/etc/app",
        "/etc/app/conf.d",
        "/etc/systemd",
        "/etc/systemd/system",
        "/home",
        "/home/core",
        "/opt",
        "/root",
        "/var",
    )
    nodes = (
        *map(directory, folders),
        directory("/etc/systemd/system/multi-user.target.wants"),
        file("/etc/hostname", "old-name\n"),
        file("/etc/motd", "hello\n"),
        file("/etc/app/a.conf", "a = 1\n"),
        file("/etc/app/conf.d/b.conf", "b = 1\n"),
        RecordedNode(path="/etc/shadow", kind="file", mode="0640", owner="0:42", size=900),
        link("/etc/localtime", "../usr/share/zoneinfo/UTC"),
        file("/etc/systemd/system/app.service", "[Service]\nExecStart=/opt/app\n"),
        link("/etc/systemd/system/multi-user.target.wants/old.service", "/usr/lib/systemd/system/old.service"),
        directory("/usr", listed=False),
        directory("/var/lib", listed=False),
    )  # fmt: skip
    return MachineFacts(
        version=1, host=HOST, devices=devices,
        root=RecordedRoot(
            path="/",
            users=(account("root", 0, "/root"), account("core", 1000), account("guest", 1001)),
            groups=(Team(name="root", gid=0), Team(name="core", gid=1000), Team(name="wheel", gid=10)),
            nodes=tuple(sorted(nodes, key=lambda node: node.path)),
        ),
    )  # fmt: skip


def running() -> MachineFacts:
    """The same machine as it records itself: what it runs from is in use."""
    uses = {"/dev/vda2": ("/boot",), "/dev/vda3": ("/",), "/dev/vdb1": ("/var/lib/data",)}
    found = server()
    return found.changed(devices=tuple(each.changed(used_by=uses.get(each.path, ())) for each in found.devices))


def new() -> MachineFacts:
    """A machine with blank disks, of which no root was recorded."""
    return MachineFacts(
        version=1, host=HOST, devices=(blank("/dev/sda", 40), blank("/dev/sdb", 40), blank("/dev/sdc", 40))
    )


MACHINES = {"server": server, "running": running, "new": new}

if __name__ == "__main__":
    for name, machine in MACHINES.items():
        (CASES / "facts" / f"{name}.json").write_bytes(to_json(machine()))
