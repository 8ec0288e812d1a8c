"""The last words of a boot that failed: the failure block, on every console that the kernel has.

Source: Linux, Documentation/ABI/testing/sysfs-tty: /sys/class/tty/console/active.
"""

import json
import os

from provision.apply import log
from provision.apply.failure import Report
from provision.apply.failure_file import FAILURE_FILE
from provision.apply.first_boot import run_file
from provision.apply.state import write_whole
from provision.source_map import Place
from provision.typed import Any

ACTIVE = "/sys/class/tty/console/active"
DEVICES = "/dev"
BLOCK_FILE = f"{run_file.FOLDER}/failure-block"
BLOCK_MODE = 0o600
UNKNOWN = "it ended before it could say why; what it said before stands above, or in the journal"
ADVICE = "remove the cause and leave this shell: the stage runs again; or boot anew, which goes on from here"


def block_of(stages: str) -> str:
    """The block of what failed among stages with commas between, from what it left; a plain one where it left nothing."""
    failure = kept_failure()
    if failure.get("stage") not in stages.split(","):
        return Report(stages, "", "", None, UNKNOWN, ADVICE).block()
    place = failure.get("place")
    texts = {key: str(failure.get(key) or "") for key in ("stage", "operation", "subject", "cause", "remedy")}
    return Report(place=Place(**place) if isinstance(place, dict) else None, **texts).block()


def kept_failure() -> dict[str, Any]:
    """What the failure file says; nothing where it is not there or damaged."""
    try:
        with open(FAILURE_FILE, "rb") as file:
            found = json.loads(file.read()).get("failure")
    except (OSError, ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(block: str) -> str:
    """Write the block where whoever prints last finds it; its host path."""
    run_file.make_folder()
    write_whole(BLOCK_FILE, f"{block}\n".encode(errors="backslashreplace"), BLOCK_MODE)
    return BLOCK_FILE


def show(block: str) -> None:
    """Print the block on every console; one that takes nothing is passed over."""
    for name in active():
        try:
            fd = os.open(f"{DEVICES}/{name}", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
            with open(fd, "w", encoding="utf-8", errors="backslashreplace") as console:
                console.write(f"\n{block}\n")
        except OSError as error:
            log.notice(f"the console {name} takes nothing: {error.strerror}")


def active() -> list[str]:
    """The kernel's consoles, by their names below /dev."""
    try:
        with open(ACTIVE) as file:
            return file.read().split() or ["console"]
    except OSError:
        return ["console"]
