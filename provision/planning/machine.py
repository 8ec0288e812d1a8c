"""The machine that a forecast is for: its devices, its root, and what is not known of them. Pure."""

from collections.abc import Callable, Iterable, Mapping

from provision.apply.accounts import Account, Team
from provision.apply.devices import BlockDevice
from provision.apply.facts import Facts
from provision.apply.facts_file import MachineFacts
from provision.apply.paths import MISSING, Found, shown
from provision.apply.programs import PRESET_PATH
from provision.diagnostics import ProvisionError
from provision.planning.memory import NoContents, Recollection
from provision.typed import NamedTuple

# How many paths a note lists.
MAX_LISTED = 4
ROOT_USER = Account(name="root", uid=0, gid=0, gecos="root", home="/root", shell="/bin/sh")
ROOT_GROUP = Team(name="root", gid=0)
EMPTY_ROOT = "no root directory is known: an empty one is assumed"


class Machine(NamedTuple):
    """A machine as it is. `root_path` is where its root was found, empty where there is none and one is assumed.

    `gaps` says, once the planning is done, what was asked for in vain. `uses` has what kept devices busy, by their paths,
    where they are taken for idle.
    """

    title: str
    devices: tuple[BlockDevice, ...]
    facts: Facts
    root_path: str
    notes: tuple[str, ...]
    gaps: Callable[[], list[str]]
    uses: Mapping[str, tuple[str, ...]] = {}

    @property
    def is_assumed(self) -> bool:
        """Whether nothing is known of the root."""
        return not self.root_path


class Nothing(dict[str, Found]):
    """The nodes of an empty root."""

    def __missing__(self, path: str) -> Found:
        return MISSING


class NoNames(dict[str, tuple[str, ...]]):
    """The entries of its directories."""

    def __missing__(self, path: str) -> tuple[str, ...]:
        return ()


def empty_root() -> Facts:
    """The facts of a root with nothing in it but what every root has."""
    nodes = Nothing({"/": Found("directory", 0o755, "0:0")})
    return Facts(nodes, NoContents(), NoNames(), {"root": ROOT_USER}, {"root": ROOT_GROUP})


def recorded(facts: MachineFacts, name: str) -> Machine:
    """The machine that a file of facts describes."""
    host = facts.host
    said = [f"the machine of {shown(name)}", *filter(None, (host.architecture, host.kernel and f"Linux {host.kernel}"))]
    title = shown(", ".join([*said, *([f"recorded {host.date}"] if host.date else [])]))
    notes = tuple(f"when the facts were recorded: {shown(remark)}" for remark in facts.remarks)
    if facts.root is None:
        advice = f"{EMPTY_ROOT}; `provision facts` without --no-root records one"
        return Machine(title, facts.devices, empty_root(), "", (*notes, advice), list)
    memory = Recollection(facts.root, facts.host)
    return Machine(title, facts.devices, memory.facts, facts.root.path, notes, lambda: unrecorded(memory))


def unrecorded(memory: Recollection) -> list[str]:
    """What was asked for and is not in a file of facts."""
    notes = []
    if memory.nodes.gaps:
        notes.append(
            f"not recorded: {listed(memory.nodes.gaps)}; taken for missing. `provision facts --for CONFIG` records it"
        )
    if memory.hashes.gaps:
        notes.append(
            f"the content of {listed(memory.hashes.gaps)} is not recorded and taken for another one."
            " `provision facts --for CONFIG` records its hash"
        )
    if PRESET_PATH in memory.contents.asked:
        notes.append(f"what {PRESET_PATH} holds is not recorded: lines that it has already are not added again")
    return notes


def listed(paths: Iterable[str]) -> str:
    """Paths in one line, of many only the first."""
    paths = list(dict.fromkeys(paths))
    more = len(paths) - MAX_LISTED
    return ", ".join(map(shown, paths[:MAX_LISTED])) + (f" and {more} more" if more > 0 else "")


def idle(machine: Machine) -> Machine:
    """The same machine with nothing of its devices in use, as at a first boot."""
    uses = {device.path: device.used_by for device in machine.devices}
    return machine._replace(devices=tuple(device.changed(used_by=()) for device in machine.devices), uses=uses)


def renamed(machine: Machine, names: Iterable[tuple[str, str]]) -> Machine:
    """The same machine where devices also go by given names; raises ProvisionError for a device that is not there."""
    devices = {device.path: device for device in machine.devices}
    for name, path in names:
        device = next((each for each in devices.values() if path in (each.path, *each.names)), None)
        if device is None:
            raise ProvisionError(f"--device {shown(name)}={shown(path)}: there is no device {shown(path)}", exit_code=2)
        devices[device.path] = device.changed(names=(*device.names, name))
    return machine._replace(devices=tuple(devices.values()))
