"""Runs in the guest: all that a first boot may have changed on the disks, as one JSON object that can be compared.

What no config gives (random ids, times) is left out or shown as `*`. A story names the disks, its root, the mount points
by device, volumes by name, and in `known` all texts that ids may come from.
"""

import glob
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOP = "/run/survey"
PATIENCE_S = 20.0
# Bytes of a sector as the kernel counts, whatever those of the disk are.
KERNEL_SECTOR = 512
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# How a file system is checked without changing it.
CHECKS = {
    "ext4": "e2fsck -fn", "ext2": "e2fsck -fn", "xfs": "xfs_repair -n", "vfat": "fsck.fat -n", "btrfs": "btrfs check --readonly",
}  # fmt: skip
# What the kernel sets while a vfat is mounted, and leaves behind where it was not unmounted; no damage.
DIRTY_BIT = "Dirty bit is set"

Json = dict[str, Any]


def output(command: str) -> str:
    """What a program prints, or how it fails."""
    ended = subprocess.run(command, shell=True, capture_output=True, text=True)
    return ended.stdout if ended.returncode == 0 else f"status {ended.returncode}: {ended.stdout}{ended.stderr}"


def nodes(disk: str, table: Json) -> list[str]:
    """The partitions of a disk. Those of its table are waited for: a program that may write has looked at it, whereupon udev
    has the kernel read the table again, and for a moment there are none.
    """
    wanted = {disk + entry["number"] for entry in table.get("partitions", ())}
    deadline = time.monotonic() + PATIENCE_S
    output("udevadm settle")
    while not all(map(os.path.exists, wanted)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return sorted(wanted | set(glob.glob(f"{disk}[0-9]*")))


class Survey:
    """One look at the machine."""

    def __init__(self, story: Json) -> None:
        self.story = story
        self.known = story["known"].lower()
        self.volumes: dict[str, str] = {}

    def given(self, uuid: str) -> str:
        """An id if it was given, and `*` for a random one."""
        return uuid.lower() if uuid and uuid.lower() in self.known else "*" if uuid else ""

    def everything(self) -> Json:
        """Tables, signatures, arrays, volumes, file systems, and trees."""
        output("udevadm settle")
        report: Json = {"tables": {}, "signatures": {}, "arrays": {}, "volumes": {}, "checks": {}}
        for serial in self.story["disks"]:
            disk = disk_of(serial)
            table = report["tables"][serial] = self.table(disk)
            for device in [disk, *nodes(disk, table)]:
                report["signatures"][serial + device.removeprefix(disk)] = self.signatures(device)
        for name in self.story["slices"]:
            report["signatures"][f"/dev/mapper/{name}"] = self.signatures(f"/dev/mapper/{name}")
        for device in glob.glob("/dev/md/*"):
            report["arrays"][device] = self.array(device)
            report["signatures"][device] = self.signatures(device)
        os.makedirs(TOP, exist_ok=True)
        report["mounted root"] = output(f"mount {self.story['root']} {TOP}")
        for name, device in self.story["volumes"].items():
            report["volumes"][name] = self.volume(name, device)
            report["signatures"][f"/dev/mapper/{name}"] = self.signatures(f"/dev/mapper/{name}")
        for path, device in sorted(self.story["mounts"].items()):
            report[f"mounted {path}"] = output(f"mount {device} {TOP}{path}")
        report["tree"] = {path: self.node(TOP + path) for path in paths(TOP)}
        for path in sorted(self.story["mounts"], reverse=True):
            report[f"unmounted {path}"] = output(f"umount {TOP}{path}")
        report["unmounted root"] = output(f"umount {TOP}")
        for device in (self.story["root"], *self.story["mounts"].values()):
            report["checks"][device] = check(device)
        return report

    def table(self, disk: str) -> Json:
        """A partition table, whether both its copies are sound, and whether the kernel has the same."""
        said = output(f"sfdisk --json {disk}")
        if said.startswith("status"):
            return {"none": True}
        table = json.loads(said)["partitiontable"]
        table["id"] = self.given(table.get("id", ""))
        for entry in table.get("partitions", ()):
            entry["number"] = entry.pop("node").removeprefix(disk)
            entry["uuid"] = self.given(entry.get("uuid", ""))
            folder = Path(f"/sys/class/block/{os.path.basename(disk)}{entry['number']}")
            seen = [int((folder / name).read_text()) if folder.exists() else None for name in ("start", "size")]
            entry["kernel"] = (
                seen == [entry[name] * table["sectorsize"] // KERNEL_SECTOR for name in ("start", "size")] or seen
            )
        verdict = output(f"sgdisk --verify {disk}")
        table["sound"] = "No problems found" in verdict or verdict
        return {**table, "device": ""}

    def signatures(self, device: str) -> list[list[str]]:
        """All that a device holds."""
        said = output(f"wipefs --json --no-act {device}")
        if said.startswith("status"):
            return [[said]]
        found = json.loads(said)["signatures"] if said.strip() else []
        return [
            [each["type"], each["offset"], each.get("label") or "", self.given(each.get("uuid") or "")]
            for each in found
        ]

    def array(self, device: str) -> Json:
        """Level, members and their roles."""
        lines = output(f"mdadm --detail --export {device}").splitlines()
        said = dict(line.split("=", 1) for line in lines if "=" in line)
        folder = Path("/sys/class/block") / os.path.basename(os.path.realpath(device)) / "md"
        wanted = ("MD_LEVEL", "MD_DEVICES", "MD_METADATA", "MD_NAME", "MD_DEVNAME")
        roles = {said[key[: -len("ROLE")] + "DEV"]: said[key] for key in said if key.endswith("_ROLE")}
        array: Json = {key: said.get(key) for key in wanted}
        # Which member takes which role is mdadm's to choose where one of them was added again.
        array["roles"] = {disk_name(member): "spare" if role == "spare" else "active" for member, role in roles.items()}
        array["degraded"] = (folder / "degraded").read_text().strip() if (folder / "degraded").exists() else None
        array["state"] = re.sub(
            r"active-idle|active|clean|read-auto", "fine", (folder / "array_state").read_text().strip()
        )
        return array

    def volume(self, name: str, device: str) -> Json:
        """What the header says, and that the key in the root opens it."""
        said = output(f"cryptsetup luksDump --dump-json-metadata {device}")
        if said.startswith("status"):
            return {"trouble": said}
        header = json.loads(said)
        uuid = output(f"cryptsetup luksUUID {device}").strip()
        self.volumes[uuid] = name
        opened = output(f"cryptsetup luksOpen --test-passphrase --key-file {TOP}/etc/luks/{name} {device}")
        mapped = f"/dev/mapper/{name}"
        if not os.path.exists(mapped):
            opened += output(f"cryptsetup luksOpen --key-file {TOP}/etc/luks/{name} {device} {name}")
            output("udevadm settle")
        return {
            "opened": opened, "uuid": self.given(uuid), "flags": header["config"].get("flags"),
            "slots": len(header["keyslots"]), "tokens": len(header["tokens"]),
            "cipher": [each["encryption"] for each in header["segments"].values()],
        }  # fmt: skip

    def node(self, host_path: str) -> list[Any]:
        """Kind, mode, owner, names, and content."""
        seen = os.lstat(host_path)
        kind = stat.S_IFMT(seen.st_mode)
        content = ""
        if stat.S_ISLNK(seen.st_mode):
            content = os.readlink(host_path)
        elif stat.S_ISREG(seen.st_mode):
            content = self.content(host_path, host_path.removeprefix(TOP))
        names = 1 if stat.S_ISDIR(seen.st_mode) else seen.st_nlink
        attributes = sorted(os.listxattr(host_path, follow_symlinks=False))
        return [
            f"{kind >> 12:o}",
            f"{stat.S_IMODE(seen.st_mode):04o}",
            f"{seen.st_uid}:{seen.st_gid}",
            names,
            content,
            *attributes,
        ]

    def content(self, host_path: str, path: str) -> str:
        """What a file holds, or its hash; of what differs by chance, what does not."""
        data = Path(host_path).read_bytes()
        if path in self.story["random"]:
            return f"{len(data)} bytes"
        if re.fullmatch(r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)-", path):
            return "a backup"
        text = data.decode(errors="replace")
        if path == "/etc/shadow":
            return re.sub(r"^([^:]*:[^:]*:)\d+(:.*)$", r"\1day\2", text, flags=re.MULTILINE)
        if path == "/etc/.ignition-result.json":
            return json.dumps(without_boot(json.loads(text)), sort_keys=True)
        if path == "/etc/crypttab":
            return UUID.sub(lambda found: f"uuid of {self.volumes.get(found[0], 'nothing')}", text)
        if len(data) < 4000 and text.replace("\n", "").isprintable():
            return text
        return hashlib.sha256(data).hexdigest()


def without_boot(report: Json) -> Json:
    """A result without what says when it was, and what an attempt before it failed at."""
    return {
        key: without_boot(value) if isinstance(value, dict) else value
        for key, value in report.items()
        if key not in ("provisioningBootID", "provisioningDate")
        and not (key == "previousReport" and "failure" in value)
    }


def disk_of(serial: str) -> str:
    """The disk of a serial number."""
    for place in glob.glob("/sys/block/vd*/serial"):
        if Path(place).read_text().strip() == serial:
            return f"/dev/{place.split('/')[3]}"
    return f"/dev/no-disk-{serial}"


def disk_name(device: str) -> str:
    """A device by the serial number of its disk and its number."""
    found = re.fullmatch(r"/dev/(vd[a-z]+)(\d*)", os.path.realpath(device))
    return Path(f"/sys/block/{found[1]}/serial").read_text().strip() + found[2] if found else device


def paths(top: str) -> list[str]:
    """Every path below a folder, and the folder."""
    found = ["/"]
    for folder, folders, files in os.walk(top):
        found += [f"{folder}/{name}".removeprefix(top) for name in (*folders, *files)]
    return sorted(found)


def check(device: str) -> str:
    """What the checker of a file system says when something is wrong."""
    kind = output(f"blkid -p -o value -s TYPE {device}").strip()
    said = output(f"{CHECKS.get(kind, 'echo no checker for')} {device} 2>&1")
    if not said.startswith("status"):
        return "sound"
    return "sound" if DIRTY_BIT in said and "status 1" in said and said.count("\n") < 8 else said


def survey(story: Json) -> Json:
    """All of it."""
    return Survey(story).everything()


if __name__ == "__main__":
    print(json.dumps(survey(json.loads(Path(sys.argv[1]).read_text()))))
