"""Runs in the guest after each power-on, in the place of the agent: the first boot's stages as an initramfs runs them, a
word on the console before each, and at last what came of it (powercut_survey). /vm/powercut holds the story.

`powercut=` on the kernel command line says what this power-on is for: `prepare` makes the disks of the story,
`first-boot` runs the stages, and each of the others does the same with obstacles: see OBSTACLES.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

STORY = Path("/vm/powercut")
ROOT = "/sysroot"
STAGES = (("fetch-offline", ""), ("fetch", ""), ("kargs,disks", ""), ("mount,files,umount", ROOT))
# How long the root file system may take to appear once the disks are made.
ROOT_S = 30.0
SURVEY_PORT = "/dev/virtio-ports/survey"
KILLED = -signal.SIGKILL

# When a disk breaks after a stage has begun, at the latest: none is done so early, however quiet the host is.
SPANS_S = {"kargs,disks": 3.5, "mount,files,umount": 1.8}
# The stage `disks` writes this much and more, the stage `files` this much; in KiB that are free when they begin.
ROOM_KIB = (0, 4, 12, 40, 120, 400, 900, 1300)


def say(text: str) -> None:
    """One line on the console, for the host."""
    print(f"powercut: {text}", flush=True)


def shell(script: str) -> int:
    """Run a script; its status."""
    return subprocess.run(["/bin/bash", "-c", script]).returncode


class StageError(Exception):
    """What was not done, and the status of the stage that did not do it."""

    def __init__(self, trouble: str, status: int = 1) -> None:
        self.status = status
        super().__init__(trouble)


class FirstBoot:
    """The stages, each in a process of its own. `environ` and `kill_after_s` are for the next one that is run."""

    def __init__(self, words: dict[str, str]) -> None:
        self.label = words["root"].removeprefix("LABEL=")
        self.random = Random(words.get("powercut.seed", ""))
        self.points = [point for point in words.get("powercut.points", "").split(",") if point]
        self.environ: dict[str, str] = {}
        self.kill_after_s: float | None = None
        self.is_spoiled = False

    def run(self) -> None:
        """All of it. Raises StageError at what does not succeed."""
        if not self.is_asked_for():
            say("PROVISIONED")
            return
        for names, root in STAGES:
            self.stage(names, root)
        self.end()

    def is_asked_for(self) -> bool:
        """Whether the applier takes this for a first boot."""
        shell(f"{(STORY / 'before').read_text()}\nudevadm settle")
        say("STAGE begin")
        if status := shell("first-boot begin -log-to-stdout"):
            raise StageError(f"first-boot begin ended with status {status}", status)
        return os.path.exists("/run/provision/first-boot")

    def stage(self, names: str, root: str) -> None:
        """One process of the applier, if it is needed; with the root mounted where it wants one."""
        if names == "fetch" and not os.path.exists("/run/ignition/neednet"):
            return
        if root:
            self.mount_root()
        status = self.run_stage(names, root)
        if status:
            raise StageError(f"{names} ended with status {status}", status)

    def run_stage(self, names: str, root: str) -> int:
        """Its status; all that it started is killed with it where a time for that is set."""
        say(f"STAGE {names}")
        started = time.monotonic()
        command = [
            "ignition",
            "-platform",
            "file",
            "-stage",
            names,
            *(["-root", root] if root else []),
            "-log-to-stdout",
        ]
        environ = {**os.environ, "IGNITION_CONFIG_FILE": str(STORY / "config.ign"), "PROVISION_DEVICE_TIMEOUT": "30"}
        process = subprocess.Popen(command, env=environ | self.environ, cwd="/", start_new_session=True)
        try:
            status = process.wait(self.kill_after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        say(f"ENDED {names} status {status} in {time.monotonic() - started:.1f} s")
        return status

    def mount_root(self) -> None:
        """As an initramfs does: the root file system, writable, once it is there."""
        shell("udevadm settle")
        deadline = time.monotonic() + ROOT_S
        device = f"/dev/disk/by-label/{self.label}"
        while not os.path.exists(device):
            if time.monotonic() > deadline:
                raise StageError("the root file system does not appear")
            time.sleep(0.05)
        if shell(f"mountpoint -q {ROOT} || mount -o rw {device} {ROOT}"):
            raise StageError("the root file system cannot be mounted")

    def end(self) -> None:
        """What comes behind the stages."""
        if status := shell(f"first-boot end -root {ROOT} -log-to-stdout"):
            raise StageError(f"first-boot end ended with status {status}", status)
        if shell(f"! mountpoint -q {ROOT} || umount {ROOT} && sync"):
            raise StageError("the root file system cannot be unmounted")

    def start_over(self) -> None:
        """Forget this boot, as far as can be without another one."""
        shell(f"cd /; ! mountpoint -q {ROOT} || umount -R {ROOT}; rm -rf /run/ignition* /run/provision; udevadm settle")


# ---- obstacles ------------------------------------------------------------------------------------------------------


def kill_at_points(boot: FirstBoot) -> None:
    """The applier is killed at each of the points of the command line: `files:3:before` before the third operation of the
    stage, `files~1.5` with all its children after so many seconds. The same boot then goes on with the same stage.
    """
    boot.is_asked_for()
    for names, root in STAGES:
        for point in boot.points:
            stage, _, after_s = point.partition("~")
            if stage.partition(":")[0] not in names.split(","):
                continue
            boot.environ = {} if after_s else {"PROVISION_FAULT": point}
            boot.kill_after_s = float(after_s) if after_s else None
            try:
                boot.stage(names, root)
            except StageError as error:
                if error.status != KILLED:
                    raise
                say(f"KILLED {point}")
                if root and not boot.is_asked_for():
                    # All was done but the unmounting.
                    names = "umount"
            else:
                say(f"PASSED {point}")
                break
        else:
            boot.environ, boot.kill_after_s = {}, None
            boot.stage(names, root)
    boot.environ, boot.kill_after_s = {}, None
    boot.end()


def fill_root(boot: FirstBoot) -> None:
    """The root file system is full but for little, then for more, until all fits. What fails must say why."""
    boot.is_asked_for()
    for names, root in STAGES[:-1]:
        boot.stage(names, root)
    rooms = sorted(boot.random.sample(ROOM_KIB, 4))
    for room in rooms:
        boot.mount_root()
        shell(f"cd {ROOT} && rm -f blocker more && cat /dev/zero > blocker 2> /dev/null; sync")
        shell(f"cd {ROOT} && truncate -s -{room}K blocker; sync")
        try:
            boot.stage(*STAGES[-1])
        except StageError as error:
            say(f"FULL with {room} KiB: {error}")
            shell(f"rm -f {ROOT}/blocker")
        else:
            say(f"FITS into {room} KiB")
            boot.mount_root()
            shell(f"rm -f {ROOT}/blocker; umount {ROOT}")
            break
        if boot.random.random() < 0.5:
            boot.start_over()
            boot.is_asked_for()
            for names, root in STAGES[:-1]:
                boot.stage(names, root)
    else:
        boot.stage(*STAGES[-1])
    boot.end()


def break_disks(boot: FirstBoot) -> None:
    """The disks refuse writes, or all, from some moment of a stage on. The boot ends, and they are sound in the next."""
    for _ in range(4):
        try:
            boot.is_asked_for()
            for names, root in STAGES:
                with_errors(boot, names, root)
            boot.end()
            return
        except StageError as error:
            say(f"BROKEN: {error}")
            heal()
            boot.start_over()
            close_all()
    boot.run()


def with_errors(boot: FirstBoot, names: str, root: str) -> None:
    """A stage, during which a disk breaks now and then."""
    import threading

    span = SPANS_S.get(names)
    is_last = names == STAGES[-1][0]
    # At least once a disk breaks.
    if span is None or (boot.random.random() < 0.3 and not (is_last and not boot.is_spoiled)):
        boot.stage(names, root)
        return
    name = boot.random.choice(sorted(slices()))
    kind = boot.random.choice(("writes", "all"))
    after_s = boot.random.uniform(0.4, span)

    def strike() -> None:
        boot.is_spoiled = True
        spoil(name, kind)

    timer = threading.Timer(after_s, strike)
    timer.start()
    try:
        boot.stage(names, root)
    finally:
        timer.cancel()
        timer.join()
    heal()


def slices() -> dict[str, str]:
    """The devices that a story has device-mapper make of its disks: their sound tables by their names."""
    found: dict[str, str] = json.loads((STORY / "story.json").read_text())["slices"]
    return found


def spoil(name: str, kind: str) -> None:
    """Break a device."""
    say(f"SPOILED {name}: {kind}")
    start, length, _, device, offset = slices()[name].split()
    table = (
        f"{start} {length} error"
        if kind == "all"
        else f"{start} {length} flakey {device} {offset} 0 1000 1 error_writes"
    )
    set_table(name, table)


def heal() -> None:
    """Make all devices sound."""
    for name, table in slices().items():
        set_table(name, table)


def set_table(name: str, table: str) -> None:
    """Change what a device is made of."""
    shell(
        f"dmsetup suspend --noflush --nolockfs {name} && dmsetup load {name} --table '{table}'; dmsetup resume {name}"
    )


def close_all() -> None:
    """What a reboot would do to volumes and arrays."""
    shell(
        "for each in $(dmsetup ls --target crypt | cut -f1); do cryptsetup luksClose $each; done; mdadm --stop --scan"
    )
    for name in slices():
        shell(f"blockdev --flushbufs /dev/mapper/{name}; udevadm trigger --settle /dev/mapper/{name}")


OBSTACLES: dict[str, Callable[[FirstBoot], None]] = {
    "first-boot": FirstBoot.run, "faults": kill_at_points, "full": fill_root, "errors": break_disks,
}  # fmt: skip


def make_slices() -> None:
    """Make the devices that a story's disks are seen through."""
    made = slices()
    if made:
        shell("modprobe -a dm-flakey")
    for name, table in made.items():
        shell(f"dmsetup create {name} --table '{table}'")
    shell("udevadm settle")


def pieces(data: bytes) -> Iterator[bytes]:
    """In pieces that a port takes."""
    for start in range(0, len(data), 1 << 15):
        yield data[start : start + (1 << 15)]


def main() -> None:
    """Do what the kernel command line says."""
    words = dict(word.partition("=")[::2] for word in Path("/proc/cmdline").read_text().split())
    make_slices()
    if words["powercut"] == "prepare":
        say(f"PREPARED status {shell(f'set -e; . {STORY}/prepare; sync')}")
        return
    os.symlink("ignition", "/vm/bin/first-boot")
    if Path(STORY, "www").exists():
        shell(f"mkdir -p /scenario && cp -r {STORY}/www /scenario/www && serve")
    say("BEGIN")
    try:
        OBSTACLES[words["powercut"]](FirstBoot(words))
    except StageError as error:
        say(f"FAILED {error}")
        return
    say("DONE")
    from powercut_survey import survey

    found = json.dumps(survey(json.loads(Path(STORY, "story.json").read_text()))).encode()
    with open(SURVEY_PORT, "wb", buffering=0) as port:
        for piece in pieces(found):
            while piece:
                piece = piece[port.write(piece) :]
    say("SURVEYED")


if __name__ == "__main__":
    sys.path.insert(0, str(STORY))
    main()
