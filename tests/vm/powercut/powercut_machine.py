"""One power-on of a machine under emulation, from given disks to its end or to the moment when the power goes, with a
log of all that it wrote; and the disks as they were at any moment of that log.
"""

import importlib.util
import json
import re
import signal
import subprocess
import tempfile
import time
from bisect import bisect_right
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from powercut_log import SECTOR, copy_sparse, entries, rebuild
from powercut_story import STORIES, Story
from vm_cpio import Archive
from vm_guest import CHECKOUT, EMULATOR, disk_options, initramfs
from vm_image import image

HERE = Path(__file__).parent
MEMORY_MIB = 1024
# What a power-on may take where two machines and other tests share two processors.
LIMIT_S = 400.0
# An emulated processor now and then sleeps through its wake-up while the kernel starts: then it is started again.
BEGIN_S, STARTS = 150.0, 3
LOOK_S = 0.004
# What no run may say, whatever comes of it.
BUGS = re.compile(r"Traceback|Exception ignored|Kernel panic|\w(?:Warning):")
CONSOLE_LINES = 70

Json = dict[str, Any]


class Moment(NamedTuple):
    """How far the log of each disk, and the console, had come at a time."""

    time_s: float
    positions: tuple[int, ...]
    said: int


class Power(NamedTuple):
    """A power-on that has ended. Its folder holds `<serial>.base`, `.disk` and `.log` for each disk, and the console."""

    folder: Path
    story: Story
    moments: list[Moment]
    status: str
    survey: Json | None
    seconds: float

    @property
    def console(self) -> str:
        """All that was said."""
        return (self.folder / "console.log").read_text(errors="replace")

    def last_words(self) -> str:
        """The end of the console."""
        return "\n".join(self.console.splitlines()[-CONSOLE_LINES:])

    def stretch(self) -> tuple[float, float]:
        """When the first stage began and when the last one had ended."""
        console = (self.folder / "console.log").read_bytes()
        begin, end = console.find(b"powercut: BEGIN"), console.find(b"powercut: DONE")
        times = [each.time_s for each in self.moments if each.said >= begin and (end < 0 or each.said <= end)]
        return (times[0], times[-1]) if times else (0.0, 0.0)

    def choose(self, random: Random) -> Moment:
        """A moment between the two: half of the time any, half of the time one at which something was written."""
        first, last = self.stretch()
        if random.random() < 0.5:
            wanted = random.uniform(first, last)
            index = bisect_right([each.time_s for each in self.moments], wanted) - 1
            return self.moments[max(index, 0)]
        candidates = [each for each in self.moments if first <= each.time_s <= last]
        changed = [
            after for before, after in pairwise(candidates) if before.positions != after.positions
        ]  # fmt: skip
        return random.choice(changed or candidates)

    def doing(self, moment: Moment) -> str:
        """What the console said last before a moment."""
        console = (self.folder / "console.log").read_bytes()[: moment.said].decode(errors="replace")
        first, last = self.stretch()
        words = [line for line in console.splitlines() if line.strip()]
        part = f"{(moment.time_s - first) / max(last - first, 0.001):.0%} of the run" if self.survey else "there"
        return f"{part}, after: {words[-1].strip() if words else 'nothing'}"

    def disks_at(self, moment: Moment, folder: Path, random: Random | None) -> str:
        """Make the disks of a moment in a folder, with the caches' content (no `random`) or without; says what is lost."""
        folder.mkdir(parents=True, exist_ok=True)
        said = [
            f"{name}: " + rebuild(folder / name, self.folder / f"{name}.base", self.folder / f"{name}.log", position, random, self.story.sector // SECTOR)
            for name, position in zip(self.story.disks, moment.positions, strict=True)
        ]  # fmt: skip
        return "; ".join(said)

    def disks_left(self, folder: Path) -> None:
        """Copy the disks as they are now: all that was issued is on them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.story.disks:
            copy_sparse(self.folder / f"{name}.disk", folder / name)


def power_on(
    story: Story,
    disks: Path | None,
    folder: Path,
    *,
    kill_after_s: float | None = None,
    mode: str = "first-boot",
    words: str = "",
) -> Power:
    """Switch the machine on with the disks in a folder (blank ones where there is none) and wait until it ends, or kill
    the emulator so many seconds after the first stage began.
    """
    for _ in range(STARTS):
        made = Starting(story, disks, folder, f"powercut={mode} {words}")
        if made.run(kill_after_s):
            break
    return made.power()


class Starting:
    """A power-on under way."""

    def __init__(self, story: Story, disks: Path | None, folder: Path, words: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.story, self.folder = story, folder
        self.moments: list[Moment] = []
        self.console = folder / "console.log"
        self.started = time.monotonic()
        for path in folder.glob("*.log"):
            path.unlink()
        (folder / "survey").write_bytes(b"")
        (folder / "initrd").write_bytes(initrd(story.name))
        for name, mib in story.disks.items():
            base = folder / f"{name}.base"
            if disks is None:
                with base.open("wb") as file:
                    file.truncate(mib << 20)
            elif base != disks / name:
                copy_sparse(disks / name, base)
            copy_sparse(base, folder / f"{name}.disk")
            (folder / f"{name}.log").write_bytes(b"")
        self.console.write_bytes(b"")
        with (folder / "emulator.out").open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command(story, folder, words)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def run(self, kill_after_s: float | None) -> bool:
        """Follow it to its end. False where it did not come as far as the first stage."""
        began: float | None = None
        logs = [self.folder / f"{name}.log" for name in self.story.disks]
        try:
            while self.process.poll() is None:
                moment = self.look(logs)
                if began is None and b"powercut: " in self.console.read_bytes():
                    began = moment.time_s
                if began is None and moment.time_s > BEGIN_S:
                    return False
                if moment.time_s > LIMIT_S or (
                    kill_after_s is not None and began and moment.time_s > began + kill_after_s
                ):
                    return True
                time.sleep(LOOK_S)
            return b"powercut: " in self.console.read_bytes()
        finally:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def look(self, logs: list[Path]) -> Moment:
        """Where the logs are now: of one and the same moment, so that no log is ahead of another."""
        while True:
            positions, said = tuple(log.stat().st_size for log in logs), self.console.stat().st_size
            moment = Moment(time.monotonic() - self.started, positions, said)
            if positions == tuple(log.stat().st_size for log in logs):
                if not self.moments or self.moments[-1][1:] != moment[1:]:
                    self.moments.append(moment)
                return moment

    def power(self) -> Power:
        """What came of it."""
        console = self.console.read_text(errors="replace")
        said = [line.partition("powercut: ")[2].strip() for line in console.splitlines() if "powercut: " in line]
        status = next((line for line in reversed(said) if line.startswith(("FAILED", "SURVEYED", "PREPARED"))), "")
        bugs = [line for line in console.splitlines() if BUGS.search(line)]
        if bugs:
            status = f"FAILED with {bugs[0]}"
        elif not status and self.moments and self.moments[-1].time_s > LIMIT_S:
            status = f"FAILED: no end within {LIMIT_S:g} s"
        text = (self.folder / "survey").read_text()
        survey = json.loads(text) if status == "SURVEYED" else None
        for name in self.story.disks:
            found = entries(self.folder / f"{name}.log")
            whole = found[-1].end if found else 0
            index = self.story.names.index(name)
            # What lies behind a request that was under way when the emulator was killed cannot be told from the log.
            self.moments = [each for each in self.moments if each.positions[index] <= whole or not found]
        return Power(self.folder, self.story, self.moments, status, survey, time.monotonic() - self.started)


@cache
def initrd(name: str) -> bytes:
    """The guest's initramfs with a second archive behind it: the boot flow in the agent's place, and the story."""
    story = STORIES[name]
    archive = Archive()
    archive.add("vm/agent.py", (HERE / "in_guest" / "powercut_boot.py").read_bytes())
    archive.add("vm/powercut/powercut_survey.py", (HERE / "in_guest" / "powercut_survey.py").read_bytes())
    for name, content in story.files().items():
        archive.add(f"vm/powercut/{name}", content)
    for source in sorted((CHECKOUT / "provision" / "apply").rglob("*.py")):
        add_compiled(archive, source)
    for source in sorted((CHECKOUT / "provision").glob("*.py")):
        add_compiled(archive, source)
    return initramfs(image()) + archive.bytes()


def add_compiled(archive: Archive, source: Path) -> None:
    """Add a module compiled, so that no power-on compiles it again; another version of Python passes it over."""
    code = compiled(source)
    place = Path(importlib.util.cache_from_source(str(source.relative_to(CHECKOUT))))
    archive.add(f"vm/checkout/{place}", code)


def compiled(source: Path) -> bytes:
    """A module's code in a file that is taken without a look at its source."""
    import py_compile

    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/code"
        py_compile.compile(
            str(source), cfile=target, dfile=f"/vm/checkout/{source.relative_to(CHECKOUT)}", doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )  # fmt: skip
        return Path(target).read_bytes()


def command(story: Story, folder: Path, words: str) -> list[str]:
    """The emulator: the guest's image, the story's disks through the driver that logs, a port for the survey."""
    made = image()
    always = (
        "console=ttyS0 panic=-1 loglevel=4 mitigations=off no_timer_check random.trust_bootloader=on raid=noautodetect"
    )
    return [
        *EMULATOR, "-m", str(MEMORY_MIB), "-kernel", f"{made}/vmlinuz", "-initrd", f"{folder}/initrd",
        "-append", f"{always} {story.words} root=LABEL={story.label} {words}",
        "-serial", f"file:{folder}/console.log",
        "-device", "virtio-rng-pci",
        "-device", "virtio-serial-pci", "-chardev", f"file,id=survey,path={folder}/survey",
        "-device", "virtserialport,chardev=survey,name=survey",
        *disk_options("root", f"{made}/root.ext2", 512, "readonly=on"),
        *(option for name in story.disks for option in logged_disk(name, folder, story.sector)),
    ]  # fmt: skip


def logged_disk(name: str, folder: Path, sector: int) -> list[str]:
    """A disk with a volatile cache, whose writes and flushes are logged."""
    return [
        "-blockdev", f"driver=file,node-name=file-{name},filename={folder}/{name}.disk,discard=unmap",
        "-blockdev", f"driver=file,node-name=log-{name},filename={folder}/{name}.log",
        "-blockdev", f"driver=blklogwrites,node-name=disk-{name},file=file-{name},log=log-{name},log-sector-size=512,discard=unmap",
        "-device", f"virtio-blk-pci,drive=disk-{name},serial={name},write-cache=on,"
        f"logical_block_size={sector},physical_block_size={sector}",
    ]  # fmt: skip
