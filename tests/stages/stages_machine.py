"""A machine to provision, made of folders: its root, the folders of its image, its kernel command line, and real processes
of the applier that work on it. They are bare as in an initramfs: without site-packages, unless a test asks for them.
"""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import provision

SOURCE = Path(provision.__file__).parent.parent
VERSION = "3.6.0"
# Far longer than anything takes; only a process that hangs gets there.
LIMIT_S = 30.0

# What no run may say, whatever comes of it: a warning of the interpreter is ours, too.
BUGS = re.compile(r"Traceback|Exception ignored|Warning:")

LAUNCHER = """#!{python} {options}
import os, sys, warnings
sys.path.insert(0, {source!r})
warnings.simplefilter("error")
{before}
from provision.apply import command
command.FAILURE_FILE = os.environ["FAILURE_FILE"]
sys.exit(command.main())
"""
# What a machine has that knows of no author's package, though it lies beside the applier here.
BLOCKER = """
class Blocker:
    def find_spec(self, name, *more):
        if name.partition(".")[0] == "ruamel" or name == "provision.fetched":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
"""

# The users of the root, with the mode of each file.
ACCOUNTS = {
    "passwd": ("root:x:0:0:root:/root:/bin/sh\n", 0o644),
    "group": ("root:x:0:\n", 0o644),
    "shadow": ("root:*:19000:0:99999:7:::\n", 0o600),
    "gshadow": ("root:*::\n", 0o600),
}

Json = dict[str, Any]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root; `sudo make test` runs it")


class Ended(NamedTuple):
    """How a process ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """All that it said."""
        return self.stdout + self.stderr

    @property
    def block(self) -> dict[str, str]:
        """The rows of the failure block, which is the last thing that was said; empty without one."""
        lines = self.stderr.rstrip("\n").split("\n")
        if len(lines) < 3 or set(lines[-1]) != {"-"}:
            return {}
        start = len(lines) - 2 - lines[-2::-1].index(lines[-1])
        rows = {"title": lines[start + 1]}
        for line in lines[start + 2 : -1]:
            name, text = line[2:13].strip(), line[13:]
            if name:
                rows[name] = text
            else:
                rows[list(rows)[-1]] += f"\n{text}"
        return rows


class Machine:
    """The folders of a machine, and how to call the applier on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root, self.cache, self.state = folder / "root", folder / "cache.json", folder / "run/state"
        self.neednet, self.failure = folder / "run/neednet", folder / "failure/failure.json"
        self.config, self.kernel, self.bin = folder / "config.ign", folder / "cmdline", folder / "bin"
        self.runtime, self.local, self.system = (folder / name for name in ("runtime", "local", "system"))
        self.bin.mkdir()
        (self.root / "etc").mkdir(parents=True)
        for name, (text, mode) in ACCOUNTS.items():
            (self.root / "etc" / name).write_text(text)
            (self.root / "etc" / name).chmod(mode)
        self.kernel.write_text("quiet ro\n")
        self.environ = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "IGNITION_CONFIG_FILE": str(self.config),
            "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR": str(self.runtime),
            "IGNITION_SYSTEM_LOCAL_CONFIG_DIR": str(self.local),
            "IGNITION_SYSTEM_CONFIG_DIR": str(self.system),
            "IGNITION_KERNEL_CMDLINE_PATH": str(self.kernel),
            "FAILURE_FILE": str(self.failure),
        }

    def called(self, name: str, *, bare: bool = True, blocked: bool = False) -> Path:
        """The applier under a name: a symbolic link to a script, as a distribution has it."""
        kind = "blocked" if blocked else "bare" if bare else "whole"
        script, link = self.folder / f"applier-{kind}", self.folder / kind / name
        if not script.exists():
            options = "-IS" if bare and not blocked else "-I"
            before = BLOCKER if blocked else ""
            script.write_text(
                LAUNCHER.format(python=sys.executable, options=options, source=str(SOURCE), before=before)
            )
            script.chmod(0o755)
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(script)
        return link

    def arguments(self, stages: str, *flags: str, platform: str = "file") -> tuple[str, ...]:
        """The arguments that a boot gives."""
        return (
            "-platform", platform, "-stage", stages, "-root", str(self.root), "-config-cache", str(self.cache),
            "-state-file", str(self.state), "-neednet", str(self.neednet), "-log-to-stdout", *flags,
        )  # fmt: skip

    def run(
        self,
        stages: str,
        *flags: str,
        config: Json | bytes | None = None,
        platform: str = "file",
        bare: bool = True,
        blocked: bool = False,
        **environ: str,
    ) -> Ended:
        """Run stages in one process."""
        if config is not None:
            self.config.write_bytes(config if isinstance(config, bytes) else document(config))
        words = self.arguments(stages, *flags, platform=platform)
        return self.call("ignition", *words, bare=bare, blocked=blocked, environ=environ)

    def call(
        self,
        name: str,
        *arguments: str,
        stdin: bytes = b"",
        bare: bool = True,
        blocked: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run one of the programs. Whatever it does, it does not break."""
        ended = subprocess.run(
            [self.called(name, bare=bare, blocked=blocked), *arguments], input=stdin, capture_output=True,
            env={**self.environ, **(environ or {})}, timeout=LIMIT_S, cwd=self.folder, check=False,
        )  # fmt: skip
        found = Ended(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))
        assert not BUGS.search(found.said), found.said
        return found

    def program(self, name: str, script: str) -> Path:
        """Put a program made of shell in front of all others on PATH. `$LOG` is a file for what it has to say."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\nLOG={self.folder}/log-of-{name}\n{script}\n")
        path.chmod(0o755)
        return path

    def log_of(self, name: str) -> str:
        """What a program of ours wrote down."""
        path = self.folder / f"log-of-{name}"
        return path.read_text() if path.exists() else ""

    def cached(self) -> Json:
        """The cached config."""
        found: Json = json.loads(self.cache.read_text())
        return found

    def paths(self) -> list[str]:
        """The files of the cached config."""
        return [each["path"] for each in self.cached()["storage"].get("files", [])]

    def kept(self) -> Json:
        """What the state file holds."""
        found: Json = json.loads(self.state.read_text())
        return found

    def result(self) -> Json:
        """What the result file in the root holds."""
        found: Json = json.loads((self.root / "etc/.ignition-result.json").read_text())
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def device(machine: Machine) -> Iterator[str]:
    """A blank block device."""
    image = machine.folder / "image"
    image.touch()
    os.truncate(image, 8 << 20)
    found = subprocess.run(
        ["losetup", "--find", "--show", image], capture_output=True, text=True, timeout=10, check=False
    )
    if found.returncode:
        pytest.skip("needs a free loop device")
    try:
        yield found.stdout.strip()
    finally:
        subprocess.run(["losetup", "--detach", found.stdout.strip()], check=True, timeout=10)


def mode_of(path: Path) -> int:
    """The permission bits."""
    return path.stat().st_mode & 0o7777


def names_below(folder: Path) -> list[str]:
    """All that lies below a folder, links not followed."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# ---- configs --------------------------------------------------------------------------------------------------------


def document(config: Json | None = None) -> bytes:
    """A config as the applier reads it; without a version it gets one."""
    ignition = {"version": VERSION, **(config or {}).get("ignition", {})}
    return json.dumps({**(config or {}), "ignition": ignition}).encode()


def files(*paths: str, text: str = "x", **more: Any) -> Json:
    """A config with files that all hold the same."""
    return {"storage": {"files": [{"path": path, "contents": {"source": f"data:,{text}"}, **more} for path in paths]}}


def referring(*sources: str | Json, replace: str = "", **sections: Any) -> Json:
    """A config that merges others, or is replaced by one."""
    given = [source if isinstance(source, dict) else {"source": source} for source in sources]
    references: Json = {"replace": {"source": replace}} if replace else {"merge": given}
    return {**sections, "ignition": {**sections.get("ignition", {}), "config": references}}


def data_url(content: bytes) -> str:
    """A data URL."""
    return "data:;base64," + b64encode(content).decode()


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process for as long as the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def lines_with(word: str, text: str) -> Sequence[str]:
    """The lines of a text that hold a word."""
    return [line for line in text.splitlines() if word in line]
