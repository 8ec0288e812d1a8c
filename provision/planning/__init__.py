"""`provision plan` and `provision facts`: what a config would do to a machine, without doing it.

`machine` and `looking` say what the machine is (recorded facts, or this one), `forecast` decides with the applier's own
planners, `as_json` and `text` show. Nothing here can write to a machine; a test holds the imports to that.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provision.apply.facts_file import MachineFacts, from_json, to_json
from provision.apply.paths import shown
from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.inputs import read_input
from provision.inspection.tree import ASCII, BOX
from provision.planning.as_json import as_plain
from provision.planning.forecast import Forecast, forecast
from provision.planning.machine import Machine, idle, recorded, renamed
from provision.planning.table import Style
from provision.planning.text import text_of
from provision.transpile.output import to_json as json_text
from provision.typed import NamedTuple

__all__ = ["Source", "as_json", "as_text", "facts_json", "make_forecast"]

DONE, WOULD_DESTROY, REFUSED = 0, 1, 3


class Source(NamedTuple):
    """Which machine a plan is for: that of a file of facts, else this one, with a root directory or none.

    `names` are further names of devices; with `is_idle` nothing of them counts as in use.
    """

    facts: str | None = None
    root: str | None = None
    names: Sequence[tuple[str, str]] = ()
    is_idle: bool = False


def make_forecast(config: Config, source: Source) -> Forecast:
    """What a config of the newest spec would do. Raises ProvisionError for facts that cannot be read and the like."""
    with machine_of(source) as machine:
        machine = renamed(machine, source.names)
        return forecast(config, idle(machine) if source.is_idle else machine)


@contextmanager
def machine_of(source: Source) -> Iterator[Machine]:
    """The machine that is meant."""
    if source.facts is None:
        from provision.planning.looking import this_machine

        with this_machine(source.root) as machine:
            yield machine
        return
    if source.root is not None:
        raise ProvisionError(
            f"--root {shown(source.root)}: the facts have their own root; leave one of both out", exit_code=2
        )
    yield recorded(from_json(read_input(source.facts), source.facts), source.facts)


def exit_code(made: Forecast, *, keep_data: bool) -> int:
    """How the command ends: refused before destroyed, and that only where data shall be kept."""
    if made.refusals:
        return REFUSED
    return WOULD_DESTROY if keep_data and made.destroyed else DONE


def as_json(made: Forecast) -> bytes:
    """The plan for programs."""
    return json_text(as_plain(made), pretty=True)


def as_text(made: Forecast, name: str, *, width: int, color: bool = False, ascii: bool = False) -> bytes:
    """The plan for people, with characters that any terminal has if need be."""
    text = text_of(made, name, Style(ASCII if ascii else BOX, width, color))
    return (text.replace("…", "..") if ascii else text).encode("utf-8", "backslashreplace")


def facts_json(root: str | None, config: Config | None) -> tuple[bytes, MachineFacts]:
    """The facts of this machine as JSON; with a config also all that planning it asks for."""
    from provision.planning.looking import recorded_here

    facts = recorded_here(root, config)
    return to_json(facts), facts
