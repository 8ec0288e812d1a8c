"""Points at which a test has the applier killed, as a power cut would. Without PROVISION_FAULT there are none.

PROVISION_FAULT=files:3:before kills it before the third operation of the stage `files`; `after` lets that one end first.
"""

import os
import signal

VARIABLE = "PROVISION_FAULT"


class Faults:
    """How far the present stage is."""

    stage = ""
    count = 0


def enter(stage: str) -> None:
    """A stage begins."""
    Faults.stage, Faults.count = stage, 0


def next_number() -> int:
    """The number of the next operation of the stage, from 1."""
    Faults.count += 1
    return Faults.count


def point(number: int, when: str) -> None:
    """End here, without a chance to clean up, if a test says so."""
    if os.environ.get(VARIABLE) == f"{Faults.stage}:{number}:{when}":
        os.kill(os.getpid(), signal.SIGKILL)
