"""A unit file by itself: the Ignition config that installs it.

Taken are units, also those for fleet, drop-ins (whose folder names their unit), networkd's files, and a few files of settings.
What a file is, its name says; one without a telling name is taken by its sections.
"""

from pathlib import PurePath

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import declare
from provision.ignition import Config, Dropin, File, FileContents, Storage, Systemd
from provision.schema.machine.directives import OWN_SECTION
from provision.schema.machine.texts import PlainUnit
from provision.schema.machine.unit_contents import FLEET
from provision.schema.rules import units as lexer
from provision.schema.rules.systemd import UNIT_TYPES
from provision.transpile.author import Author
from provision.transpile.contents import data_url
from provision.units import UnitFile, parse

declare(
    "PV593", "warning", "unit file without a telling name",
    """The name of a unit file ends in the type of its unit; a drop-in lies in the folder of its unit.

    systemd goes by the name alone. A drop-in is called `web.service.d/10-limits.conf`, for example.
    Source: systemd.unit(5).

    Bad:
        [Service]
        ExecStart=/usr/bin/app

    Good:
        # app.service
        [Service]
        ExecStart=/usr/bin/app
    """,
)  # fmt: skip
declare(
    "PV594", "info", "fleet unit for one machine",
    """What [X-Fleet] demands has no meaning on a single machine without fleet: the section is left out.

    fleet is no longer part of any operating system. The unit is installed on the machine that the config is for; nothing
    moves it to another one.

    Bad:
        # web.service
        [Service]
        ExecStart=/usr/bin/web
        [X-Fleet]
        MachineMetadata=role=web

    Good:
        # web.service
        [Service]
        ExecStart=/usr/bin/web
        [Install]
        WantedBy=multi-user.target
    """,
)  # fmt: skip

NETWORK_TYPES = ("network", "netdev", "link")
NETWORK_FOLDER = "/etc/systemd/network"
# Files of settings that their names tell.
SETTINGS = {
    "update.conf": "/etc/coreos/update.conf",
    "journald.conf": "/etc/systemd/journald.conf",
}
# What a file without a telling name is, by a section that only one type has.
TYPE_OF_SECTION = {section: kind for kind, section in OWN_SECTION.items()} | {"NetDev": "netdev", "Network": "network"}


def translate(root: ScalarNode, author: Author) -> Config:
    """The config that installs the file."""
    text: str = root.value.removeprefix("\ufeff")
    path = PurePath(author.document.file)
    folder, kind = path.parent.name, path.suffix.removeprefix(".")
    if path.name in SETTINGS:
        return file(SETTINGS[path.name], text, root)
    if kind == "conf" and folder.endswith(".d"):
        return dropin(folder.removesuffix(".d"), path.name, text, root)
    if kind in NETWORK_TYPES:
        return network_file(path.name, text, root)
    if kind in UNIT_TYPES:
        return unit(path.name, text, root, author)
    return unnamed(path, text, root, author)


def unnamed(path: PurePath, text: str, root: ScalarNode, author: Author) -> Config:
    """The config for a file whose name does not tell what it is."""
    parsed = parse(text)
    kind = next((TYPE_OF_SECTION[part.name] for part in parsed.sections if part.name in TYPE_OF_SECTION), "service")
    stem = "".join(c for c in path.name.partition(".")[0] if c.isascii() and (c.isalnum() or c in "_-")) or "unit"
    name = f"{stem}.{kind}"
    said = f"`{path.name}` does not say which type of unit this is; taken for {name}"
    if path.suffix == ".conf":
        said = f"`{path.name}` lies in no unit's folder, such as app.service.d; taken for the unit {name}"
    author.diagnostics.append(
        author.document.diagnostic(root, "PV593", "warning", said, "call the file after its unit")
    )
    return network_file(name, text, root) if kind in NETWORK_TYPES else unit(name, text, root, author)


def unit(name: str, text: str, root: ScalarNode, author: Author) -> Config:
    """The config that installs a unit, enabled where that does anything."""
    parsed = parse(text)
    installed = text if lexer.read(text).fault else without_fleet(text, parsed)
    read = lexer.read(installed)
    is_template = "@." in name and parsed.value("Install", "DefaultInstance") is None
    enabled = True if read.installs and read.fault is None and not is_template else None
    made = PlainUnit(name=name, contents=installed, enabled=enabled).at(root).written_as(text)
    if parsed.has(FLEET):
        tell_of_fleet(made, parsed, author, starts=enabled is True)
    return Config(systemd=Systemd(units=(made,)))


def tell_of_fleet(unit: PlainUnit, parsed: UnitFile, author: Author, *, starts: bool) -> None:
    """Say what became of the section for fleet."""
    section = next(part for part in parsed.sections if part.name == FLEET)
    hint = None if starts else "nothing starts it at boot: add [Install] with WantedBy=multi-user.target for that"
    said = f"[{FLEET}] is left out: without fleet the unit is for the machine that this config is for"
    author.complain("PV594", "info", unit, "contents", said, hint, line=section.line)
    author.fate(unit, "contents", "lost", said)


def without_fleet(text: str, parsed: UnitFile) -> str:
    """A unit's text without the sections that fleet reads."""
    if not parsed.has(FLEET):
        return text
    lines = text.split("\n")
    starts = [*(part.line for part in parsed.sections), len(lines) + 1]
    for number in reversed(range(len(parsed.sections))):
        if parsed.sections[number].name == FLEET:
            del lines[starts[number] - 1 : starts[number + 1] - 1]
    return "\n".join(lines).rstrip() + "\n" if any(line.strip() for line in lines) else ""


def dropin(unit_name: str, name: str, text: str, root: ScalarNode) -> Config:
    """The config that installs a drop-in; those of networkd's files and of programs are files themselves."""
    kind = unit_name.rpartition(".")[2]
    if kind in NETWORK_TYPES:
        return file(f"{NETWORK_FOLDER}/{unit_name}.d/{name}", text, root)
    if kind not in UNIT_TYPES:
        folder = f"/etc/systemd/{unit_name}.d" if kind == "conf" else f"/etc/{unit_name}.d"
        return file(f"{folder}/{name}", text, root)
    part = Dropin(name=name, contents=text).at(root)
    return Config(systemd=Systemd(units=(PlainUnit(name=unit_name, dropins=(part,)).at(root),)))


def network_file(name: str, text: str, root: ScalarNode) -> Config:
    """The config that installs a file of networkd."""
    return file(f"{NETWORK_FOLDER}/{name}", text, root)


def file(path: str, text: str, root: ScalarNode) -> Config:
    """The config that writes a file."""
    url = data_url(text.encode("utf-8", "surrogateescape"))
    contents = FileContents(source=url.source, compression=url.compression or None).at(root)
    return Config(storage=Storage(files=(File(path=path, mode=0o644, overwrite=True, contents=contents).at(root),)))
