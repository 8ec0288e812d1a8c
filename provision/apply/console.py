"""What a person at a terminal sees of work under way: one line for each act, and below the last one a bar for what takes long.

Where standard error is no terminal there are only the lines. Standard library only: this runs in an initramfs, too.
"""

import os
import sys
import threading
import time
from types import TracebackType

from provision.apply.paths import shown
from provision.apply.runner import Progress, Step, say
from provision.typed import Self

PATIENCE_S, REFRESH_S = 1.0, 0.2
BAR_CELLS, LABEL_CELLS = 24, 40
CLEAR = "\r\x1b[K"
MIB = 1 << 20


class Running:
    """An act under way; `done` and `total` count bytes, where it knows them."""

    def __init__(self, label: str) -> None:
        self.label, self.started, self.done, self.total = label, time.monotonic(), 0, 0

    def line(self) -> str:
        """How it stands, in less than 80 cells."""
        label = self.label if len(self.label) <= LABEL_CELLS else f"{self.label[: LABEL_CELLS - 1]}…"
        if not self.total:
            size = f"{self.done / MIB:.1f} MiB, " if self.done else ""
            return f"  {label}: {size}{time.monotonic() - self.started:.0f} s"
        filled = BAR_CELLS * self.done // self.total
        return f"  {label} [{'#' * filled}{'.' * (BAR_CELLS - filled)}] {100 * self.done // self.total:3} %"


class Console:
    """Shows a run; `tell` writes the line of a step. Its methods may be called from several threads."""

    def __init__(self, tell: Progress = say) -> None:
        self.tell = tell
        self.running: dict[int, Running] = {}
        self.fetches: dict[str, Running] = {}
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.is_drawn = False
        self.painter: threading.Thread | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self.painter = threading.Thread(target=self.paint, daemon=True)
            self.painter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        if self.painter is not None:
            self.painter.join()
        with self.lock:
            self.wipe()

    def step(self, step: Step) -> None:
        """Tell of an act: a line when it starts, the end of its bar when it ends."""
        with self.lock:
            self.wipe()
            self.tell(step)
            if self.painter is None:
                return
            if step.state == "started":
                self.running[step.number] = Running(step.operation.describe().partition(":")[0])
            else:
                self.running.pop(step.number, None)

    def fetched(self, name: str, done: int, total: int | None) -> None:
        """Tell how far a fetch is, in bytes."""
        with self.lock:
            fetch = self.fetches.setdefault(name, Running(shown(name)))
            fetch.done, fetch.total = done, total or 0
            if total is not None and done >= total:
                del self.fetches[name]

    def paint(self) -> None:
        """Draw the bar of what has been under way for longest, until the run ends."""
        while not self.ended.wait(REFRESH_S):
            with self.lock:
                long = [each for each in (*self.fetches.values(), *self.running.values()) if is_long(each)]
                self.wipe()
                if long:
                    sys.stderr.write(long[0].line())
                    sys.stderr.flush()
                    self.is_drawn = True

    def wipe(self) -> None:
        """Take the bar off the screen."""
        if self.is_drawn:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
            self.is_drawn = False


def is_long(running: Running) -> bool:
    """Whether an act takes long enough to be shown."""
    return time.monotonic() - running.started > PATIENCE_S
