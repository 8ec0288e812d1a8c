"""What the applier says while it works, in the line format of `ignition`; nothing else knows where it goes.

Lines go to the system log under the tag `ignition`, or to standard output as `LEVEL    : prefix: message`. Until
`open_log` is called, and in a process that never calls it, nothing is said below `warning`. No secret may be handed
in: what a config holds is shown by `shown_url` and by hashes. Source: Ignition, `internal/log`.
"""

import sys
from _thread import allocate_lock, get_ident  # `threading` takes ten times as long to load, and every start loads this
from collections.abc import Callable
from types import TracebackType

from provision.apply.paths import shown
from provision.apply.sources import shown_url as shown_url
from provision.typed import ClassVar

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
    lock = allocate_lock()
    prefixes: ClassVar[dict[int, tuple[str, ...]]] = {}


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
    prefixes = State.prefixes.get(get_ident(), ())
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


class Prefixed:
    """Puts prefixes before all that this thread says inside."""

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes

    def __enter__(self) -> None:
        self.before = State.prefixes.get(get_ident(), ())
        State.prefixes[get_ident()] = (*self.before, *self.prefixes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.before:
            State.prefixes[get_ident()] = self.before
        else:
            del State.prefixes[get_ident()]


def prefixed(prefix: str) -> Prefixed:
    """Put a prefix before all that this thread says inside."""
    return Prefixed(prefix)


class Operation(Prefixed):
    """Says that something starts, and how it ended."""

    def __init__(self, what: str) -> None:
        with State.lock:
            State.last_operation += 1
            super().__init__(f"op({State.last_operation:x})")
        self.what = what

    def __enter__(self) -> None:
        super().__enter__()
        info(f"[started]  {self.what}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            info(f"[finished] {self.what}")
        elif isinstance(error, Exception):
            critical(f"[failed]   {self.what}: {error}")
        super().__exit__(kind, error, trace)


def operation(what: str) -> Operation:
    """Say that something starts, and how it ended."""
    return Operation(what)


def carried(act: Callable[[], None]) -> Callable[[], None]:
    """An act for another thread, which then speaks behind the prefixes of this one."""
    prefixes = State.prefixes.get(get_ident(), ())

    def carrying() -> None:
        with Prefixed(*prefixes):
            act()

    return carrying
