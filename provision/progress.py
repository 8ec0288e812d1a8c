"""Progress on a terminal for what takes over a second; nothing anywhere else."""

import sys
import threading
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 1.0
LABEL_CELLS = 44  # what is left of 80 beside the bar and the time


class Progress:
    """A bar on standard error that appears once the work has taken a second. `total` of None means unknown."""

    def __init__(self, label: str, total: int | None = None) -> None:
        self.label, self.total, self.done = label, total, 0
        self.bar: Any = None
        self.timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self.timer = threading.Timer(PATIENCE_S, self.show)
            self.timer.daemon = True
            self.timer.start()
        return self

    def show(self) -> None:
        """Put the bar on the screen."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        counted = (BarColumn(), MofNCompleteColumn()) if self.total else ()
        bar = Bar(
            SpinnerColumn(),
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", max_width=LABEL_CELLS),
            ),
            *counted,
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = bar.add_task(self.label, total=self.total, completed=self.done)
        self.bar = bar
        bar.start()

    def step(self, label: str | None = None) -> None:
        """One more part is done; `label` names what comes next."""
        self.done += 1
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done, **({"description": label} if label else {}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer.join()
        if self.bar is not None:
            self.bar.stop()
