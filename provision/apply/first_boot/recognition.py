"""Whether a boot is the one that provisions the machine. Pure: what was looked up comes in, a verdict with its reason goes out.

A first boot is asked for by a word on the kernel command line or by a stamp file, and it is done once: a word that stays
on the command line for good asks in vain where the target is marked as provisioned. A stamp is put there by somebody who
means it. A journal in the target is a first boot that was cut off, and goes on.
"""

from collections.abc import Sequence

from provision.apply import kernel_command_line
from provision.typed import NamedTuple


class Target(NamedTuple):
    """What the root file system tells: when it was provisioned, empty where it was not, and whether that is unfinished."""

    provisioned: str = ""
    is_unfinished: bool = False


class Verdict(NamedTuple):
    """Whether this is a first boot, and why."""

    is_first: bool
    reason: str


def decide(command_line: str, stamps: Sequence[str], target: Target | None) -> Verdict:
    """Judge a boot by its kernel command line, the stamps that were found, and the target; None is one not seen."""
    if target is not None and target.is_unfinished:
        return Verdict(True, "the first boot was cut off and goes on")
    if stamps:
        return Verdict(True, f"there is {' and '.join(stamps)}")
    words = kernel_command_line.first_boot_words(command_line)
    if not words:
        return Verdict(False, "nothing asks for a first boot")
    asked = f"the kernel command line has {' and '.join(words)}"
    if target is None:
        return Verdict(True, f"{asked}; the root file system could not be looked at")
    if target.provisioned:
        return Verdict(False, f"{asked}, but this system was provisioned already, {target.provisioned}")
    return Verdict(True, asked)
