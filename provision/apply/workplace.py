"""What a stage has to work with, and how it tells what it does."""

from collections.abc import Callable, Iterable

from provision.apply import log
from provision.apply.fetching import Fetching
from provision.apply.operations import Act
from provision.apply.runner import Progress, Step, run
from provision.apply.state import State
from provision.ignition import Config
from provision.typed import Any, NamedTuple


def log_step(step: Step) -> None:
    """The lines of one act."""
    what = step.operation.describe()
    with log.prefixed(f"op({step.number:x})"):
        if step.state == "started":
            log.info(f"[started]  {what}")
        elif step.state == "executed":
            log.info(f"[finished] {what}")
        elif step.state == "skipped":
            log.info(f"[finished] {what} (is so already)")
        else:
            log.critical(f"[failed]   {what}")


class Workplace(NamedTuple):
    """What a stage has to work with. `names`: the device that a name of the config means, where it is not the machine's.

    `progress` is told of every act. `is_first_boot`: whether a run that was cut off is gone on with, by the journal in the
    root, and this one leaves a journal for the next.
    """

    config: Config
    root: str
    fetching: Fetching
    state: State
    names: Callable[[str], str] | None = None
    progress: Progress = log_step
    is_first_boot: bool = False

    def execute(self, acts: Iterable[Act[Any]], system: object) -> None:
        """Carry acts out."""
        run(list(acts), system, self.progress)
