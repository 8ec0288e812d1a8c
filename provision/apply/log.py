"""What the applier says while it works, in the line format of `ignition`; nothing else knows where it goes.

Lines go to the system log under the tag `ignition`, or to standard output as `LEVEL    : prefix: message`. Until
`open_log` is called, and in a process that never calls it, nothing is said below `warning`. No secret may be handed
in: what a config holds is shown by `shown_url` and by hashes. Source: Ignition, `internal/log`.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provision.apply.paths import shown
from provision.apply.sources import shown_url as shown_url

# Source: syslog(3), the priorities in their order.
LEVELS = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG = range(8)
TAG = "ignition"
SOCKET = "/dev/log"

Sink = Callable[[int, str], None]


def to_stdout(level: int, text: str) -> None:
    """Print a line for those who read the process's output. Where nobody does any more, the work goes on in silence."""
    try:
        print(f"{LEVELS[level]:<9}: {text}", flush=True)
    except OSError as error:
        silence(error)


def silence(error: OSError) -> None:
    """Let standard output lead nowhere, with all that stands in its buffer."""
    import os

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    to_stderr(WARNING, f"the log cannot be written any more: {error.strerror}")


def to_stderr(level: int, text: str) -> None:
    """Print what a person must see where no log was opened."""
    if level <= WARNING:
        print(f"{LEVELS[level].lower()}: {text}", file=sys.stderr, flush=True)


class State:
    """The sink and the number of the last operation; the prefixes are each thread's own."""

    sink: Sink = staticmethod(to_stderr)
    last_operation = 0
    lock = threading.Lock()
    local = threading.local()


def open_log(*, to_standard_output: bool) -> None:
    """Choose where lines go; where there is no system log, it is standard output, too."""
    if to_standard_output:
        State.sink = staticmethod(to_stdout)
        return
    import os

    if not os.path.exists(SOCKET):
        State.sink = staticmethod(to_stdout)
        return
    import syslog

    syslog.openlog(TAG, syslog.LOG_PID, syslog.LOG_DAEMON)
    State.sink = staticmethod(syslog.syslog)


def say(level: int, text: str) -> None:
    """One line, behind the prefixes of what this thread is in."""
    prefixes = getattr(State.local, "prefixes", ())
    State.sink(level, " ".join([*(f"{prefix}:" for prefix in prefixes), *map(shown, text.splitlines() or [""])]))


def debug(text: str) -> None:
    """Details for those who look for a fault: commands, retries."""
    say(DEBUG, text)


def info(text: str) -> None:
    """What is being done."""
    say(INFO, text)


def notice(text: str) -> None:
    """What is unusual and fine."""
    say(NOTICE, text)


def warning(text: str) -> None:
    """What is most likely not meant."""
    say(WARNING, text)


def critical(text: str) -> None:
    """What ends a stage."""
    say(CRITICAL, text)


@contextmanager
def prefixed(prefix: str) -> Iterator[None]:
    """Put a prefix before all that this thread says inside."""
    before = getattr(State.local, "prefixes", ())
    State.local.prefixes = (*before, prefix)
    try:
        yield
    finally:
        State.local.prefixes = before


def carried(act: Callable[[], None]) -> Callable[[], None]:
    """An act for another thread, which then speaks behind the prefixes of this one."""
    prefixes = getattr(State.local, "prefixes", ())

    def carrying() -> None:
        State.local.prefixes = prefixes
        act()

    return carrying


@contextmanager
def operation(what: str) -> Iterator[None]:
    """Say that something starts, and how it ended."""
    with State.lock:
        State.last_operation += 1
        number = State.last_operation
    with prefixed(f"op({number:x})"):
        info(f"[started]  {what}")
        try:
            yield
        except Exception as error:
            critical(f"[failed]   {what}: {error}")
            raise
        info(f"[finished] {what}")
