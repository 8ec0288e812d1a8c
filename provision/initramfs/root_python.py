"""The interpreter that the agent is compiled for: one of the same release as the root's own, which is never run."""

import os
import re
import shutil
import sys

from provision.diagnostics import ProvisionError
from provision.initramfs.kinds import has
from provision.typed import NamedTuple

PLACE = "/usr/bin/python3"
NAME = re.compile(r"python(3\.\d+)")


class Interpreter(NamedTuple):
    """A program of this machine, and what there is to say of it."""

    program: str
    note: str = ""


def interpreter_for(root: str, named: str | None) -> Interpreter:
    """What compiles the agent for a root: what was named, or what fits. Raises ProvisionError where nothing does."""
    if named is not None:
        return Interpreter(named)
    if os.path.realpath(root) == "/" and os.path.exists(PLACE):
        return Interpreter(PLACE)
    release = release_in(root)
    if release is not None:
        return Interpreter(program_of(release, root))
    if is_system(root):
        raise ProvisionError(
            f"--root {root}: there is no {PLACE}, which the agent runs with; install python3 there (3.11 or later)"
        )
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Interpreter(
        sys.executable, f"{root} has no Python; the agent is made for release {own}, as the one that runs this"
    )


def release_in(root: str) -> str | None:
    """The release of a root's Python, as the link to it says; None where there is none."""
    path = root.rstrip("/") + PLACE
    if not os.path.lexists(path):
        return None
    name = os.path.basename(os.readlink(path)) if os.path.islink(path) else ""
    found = NAME.fullmatch(name)
    if found is None:
        raise ProvisionError(
            f"{path}: does not tell its release, for it is no link to python3.N; name a Python of the same release with --python"
        )
    return found[1]


def program_of(release: str, root: str) -> str:
    """A program of this machine of a release."""
    if release == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    program = shutil.which(f"python{release}")
    if program is None:
        raise ProvisionError(
            f"--root {root}: has Python {release}, and there is none of that release here to compile the agent with; "
            f"install python{release}, or name one with --python"
        )
    return program


def is_system(root: str) -> bool:
    """Whether a root holds a system, and is not a folder to gather files in."""
    return any(has(root, path) for path in ("/bin/sh", "/usr/bin/sh", "/etc/os-release", "/usr/lib/os-release"))
