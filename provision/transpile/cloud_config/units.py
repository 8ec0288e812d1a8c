"""Units: `coreos.units`, with what their commands mean to a machine that starts for the first time.

coreos-cloudinit works through the list while the system runs, on every boot; systemd starts what its links say. So a
command that starts a unit becomes a link, one that reloads what does not run yet becomes nothing.
"""

import posixpath
from collections.abc import Callable
from typing import NamedTuple

from provision.diagnostics import declare
from provision.ignition import Dropin
from provision.schema.cloud_config import DropIn, Unit
from provision.transpile.author import Author
from provision.transpile.cloud_config import networks
from provision.transpile.cloud_config.draft import UNITS, Draft, template_of
from provision.transpile.cloud_config.structure import UNIT_NAME
from provision.units import command_line, parse, render

declare(
    "PV717", "error", "command on a masked unit",
    """A unit that is masked is not started.

    systemd refuses the command, and coreos-cloudinit stops there.

    Bad:
        #cloud-config
        coreos:
          units:
            - name: docker.service
              mask: true
              command: start

    Good:
        #cloud-config
        coreos:
          units:
            - name: docker.service
              mask: true
              command: stop
    """,
)  # fmt: skip
declare(
    "PV718", "info", "nothing to do on first boot",
    """A command does something on the first boot.

    coreos-cloudinit ran on every boot, in a system that ran already. Ignition runs once, before anything has started:
    there is nothing to reload, and no earlier unit that would have to be put out of the way.

    Bad:
        #cloud-config
        coreos:
          units:
            - name: docker.service
              command: reload

    Good:
        #cloud-config
        coreos:
          units:
            - name: docker.service
              command: start
    """,
)  # fmt: skip
declare(
    "PV719", "info", "order of units",
    """Units that depend on each other say so.

    coreos-cloudinit starts units in the order of the list. systemd starts them together, but for what their `After=` and
    `Requires=` say. Add these where the order matters.

    Bad:
        #cloud-config
        coreos:
          units:
            - name: first.service
              command: start
              content: |
                [Service]
                Type=oneshot
                ExecStart=/opt/bin/first
            - name: second.service
              command: start
              content: |
                [Service]
                ExecStart=/opt/bin/second

    Good:
        #cloud-config
        coreos:
          units:
            - name: first.service
              command: start
              content: |
                [Service]
                Type=oneshot
                ExecStart=/opt/bin/first
            - name: second.service
              command: start
              content: |
                [Unit]
                After=first.service
                [Service]
                ExecStart=/opt/bin/second
    """,
)  # fmt: skip

VENDOR_UNITS = "/usr/lib/systemd/system"
# What wants a unit of a type that is started by hand. Source: systemd.special(7).
WANTED_BY = {
    "socket": "sockets.target", "timer": "timers.target", "path": "paths.target", "mount": "local-fs.target",
    "automount": "local-fs.target", "swap": "swap.target", "slice": "slices.target",
}  # fmt: skip
REMOTE = frozenset(("nfs", "nfs4", "cifs", "ceph", "glusterfs", "9p", "smb3"))


class Started(NamedTuple):
    """A unit that a command starts or stops: the record whose command counts."""

    record: Unit
    stops: bool


def expand(units: tuple[Unit, ...], draft: Draft, author: Author) -> None:
    """Write the units in order, then do what their commands ask for."""
    commanded: dict[str, Started] = {}
    for unit in units:
        if not unit.name or not UNIT_NAME.fullmatch(unit.name):
            continue  # told by `structure`
        if networks.is_network(unit.name):
            networks.write(unit, unit.name, dropins_of(unit, author), draft, author)
        else:
            write(unit, unit.name, draft, author)
            if unit.command in EFFECTS:
                EFFECTS[unit.command](unit, unit.name, commanded, author)
    for name, started in commanded.items():
        if "." not in name:
            said = f"`{name}` does not end in a type of units"
            author.complain("PV501", "error", started.record, "name", said, f"did you mean {name}.service?")
        (stop if started.stops else start)(name, started.record, draft, author)
    tell_order([name for name, started in commanded.items() if not started.stops], commanded, draft, author)


def write(unit: Unit, name: str, draft: Draft, author: Author) -> None:
    """Write a unit and its drop-ins; of several entries the last text counts."""
    made = draft.unit(name, unit.origin)
    made.spots.setdefault("name", author.place(unit, "name"))
    if unit.content:
        if made.contents is not None:
            said = f"{name} has a text above, too; this is the one that stays"
            author.complain("PV709", "warning", unit, "content", said, "write it once")
        draft.replace(f"{UNITS}/{name}")
        made.contents = unit.content
        made.origin = unit.origin
        made.spots |= {"contents": author.place(unit, "content"), "name": author.place(unit, "name")}
    for dropin_name, dropin in dropins_of(unit, author):
        draft.replace(f"{UNITS}/{name}.d/{dropin_name}")
        places = {"name": author.place(dropin, "name"), "contents": author.place(dropin, "content")}
        made.dropins[dropin_name] = Dropin(name=dropin_name, contents=dropin.content).at(dropin.origin, **places)
    if unit.enable:
        made.enabled = True
        made.spots["enabled"] = author.place(unit, "enable")
    if unit.mask:
        draft.replace(f"{UNITS}/{name}")
        made.masked = True
        made.spots["mask"] = author.place(unit, "mask")
    if unit.runtime:
        said = f"{name} is written to /etc: /run is empty when a machine starts"
        author.complain("PV718", "info", unit, "runtime", said, "take `runtime` away")
        author.fate(unit, "runtime", "exact", "the unit is written to /etc")


def dropins_of(unit: Unit, author: Author) -> list[tuple[str, DropIn]]:
    """The drop-ins of a unit that have a name and content, and that systemd reads, by their names."""
    named = [(dropin.name, dropin) for dropin in unit.drop_ins if dropin.name and dropin.content]
    return [(name, dropin) for name, dropin in named if is_read(dropin, author)]


def is_read(dropin: DropIn, author: Author) -> bool:
    """Whether systemd reads a drop-in, by its name. Ignition refuses one that it does not."""
    if (dropin.name or "").endswith(".conf"):
        return True
    said = f"`{dropin.name}` does not end in .conf; systemd would pass over it, so it is left out"
    author.complain("PV505", "warning", dropin, "name", said, "end its name in .conf")
    author.fate(dropin, None, "lost", "systemd does not read it")
    return False


# ---- commands ---------------------------------------------------------------------------------------------------


def want(unit: Unit, name: str, commanded: dict[str, Started], author: Author) -> None:
    """Note that a unit is to run."""
    commanded.pop(name, None)
    commanded[name] = Started(unit, stops=False)


def unwant(unit: Unit, name: str, commanded: dict[str, Started], author: Author) -> None:
    """Note that a unit is not to run."""
    commanded.pop(name, None)
    commanded[name] = Started(unit, stops=True)


def drop(unit: Unit, name: str, commanded: dict[str, Started], author: Author) -> None:
    """Say that a command has no effect on what does not run yet."""
    said = f"`command: {unit.command}` does nothing on first boot: {name} does not run yet"
    author.complain("PV718", "info", unit, "command", said, "take the command away, or write `start`")
    author.fate(unit, "command", "exact", "nothing runs yet that could be reloaded")


EFFECTS: dict[str, Callable[[Unit, str, dict[str, Started], Author], None]] = {
    **dict.fromkeys(("start", "restart", "reload-or-restart"), want),
    **dict.fromkeys(("reload", "try-restart", "reload-or-try-restart"), drop),
    "stop": unwant,
}


def start(name: str, unit: Unit, draft: Draft, author: Author) -> None:
    """Have a unit started at boot: by its own [Install] section, else by a link."""
    made = draft.units[name]
    if made.masked:
        said = f"{name} is masked, so that `command: {unit.command}` fails"
        author.complain("PV717", "error", unit, "command", said, "take `mask` or `command` away")
        return
    text = draft.text_of(name)
    place = author.place(unit, "command")
    if text is not None and any(parse(text).options("Install")):
        made.enabled = True
        made.spots.setdefault("enabled", place)
        author.fate(unit, "command", "exact", "enabled, so that it starts at boot")
        return
    target = wanted_by(name, text)
    at = f"{UNITS}/{target}.wants/{name}"
    draft.link(at, posixpath.join(UNITS if text is not None else VENDOR_UNITS, template_of(name)), place)
    author.fate(unit, "command", "unit", f"link in {target}.wants")


def stop(name: str, unit: Unit, draft: Draft, author: Author) -> None:
    """Have a unit stopped after it has started, as coreos-cloudinit does; a masked one never starts."""
    if draft.units[name].masked:
        return
    text = render([
        ("Unit", [("Description", f"Stop {name}"), ("After", name)]),
        ("Service", [("Type", "oneshot"), ("RemainAfterExit", "yes"), ("ExecStart", command_line(["/usr/bin/systemctl", "stop", name]))]),
        ("Install", [("WantedBy", "multi-user.target")]),
    ])  # fmt: skip
    ours = f"provision-stop-{name.replace('.', '-').replace('@', '-')}.service"
    draft.service(ours, text, author.place(unit, "command"))
    author.fate(unit, "command", "unit", ours)


def wanted_by(name: str, text: str | None) -> str:
    """The target that starts units of this type."""
    target = WANTED_BY.get(name.rpartition(".")[2], "multi-user.target")
    if name.endswith((".mount", ".automount")) and text is not None:
        mount = parse(text)
        options = (mount.value("Mount", "Options") or "").split(",")
        if "_netdev" in options or mount.value("Mount", "Type") in REMOTE:
            return "remote-fs.target"
    return target


def tell_order(names: list[str], commanded: dict[str, Started], draft: Draft, author: Author) -> None:
    """Note where a unit with a text of its own follows one that ends before the next begins, and does not say so."""
    earlier: str | None = None
    for name in names:
        text = draft.text_of(name)
        if text is None or draft.units[name].masked:
            continue
        unit = parse(text)
        if earlier is not None and earlier not in unit.words("Unit", "After") and not depends(text):
            said = f"{name} is started together with {earlier}, not after it"
            author.complain(
                "PV719", "info", commanded[name].record, "command", said, f"add After={earlier} if it needs it"
            )
        if unit.value("Service", "Type") == "oneshot":
            earlier = name


def depends(text: str) -> bool:
    """Whether a unit says when it starts."""
    unit = parse(text)
    return any(unit.words("Unit", option) for option in ("After", "Before"))
