"""Enabling units in a root whose systemd will not do so by itself: the links that `systemctl --root enable` would make.

Source: systemd.unit(5), "[INSTALL] SECTION OPTIONS" and "UNIT FILE LOAD PATH"; systemctl(1), enable. systemctl is not
called, for an initramfs without systemd has none.
"""

from collections.abc import Iterator

from provision.apply.operations import Operation, Reader, System
from provision.apply.operations.users import make_missing
from provision.apply.paths import joined, parent_of, shown
from provision.apply.programs import MASKED, UNIT_DIRECTORY
from provision.diagnostics import ProvisionError
from provision.record import field
from provision.typed import NamedTuple

# Where units lie in a root; the first that has one of a name counts.
FOLDERS = (UNIT_DIRECTORY, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
# The folders beside a unit in which those lie that want it.
WANTING = {"WantedBy": "wants", "RequiredBy": "requires", "UpheldBy": "upholds"}
KEYS = (*WANTING, "Alias", "Also", "DefaultInstance")
MAX_LINKS = 8


class UnitFile(NamedTuple):
    """A unit that was found: its own name, for which another may stand, and the path of its file."""

    name: str
    path: str
    install: dict[str, tuple[str, ...]]


class Link(NamedTuple):
    """A link that enables a unit."""

    path: str
    target: str


class EnableUnit(Operation):
    """Make the links that a unit asks for where it is enabled; with it the units that it names in `Also=`."""

    name: str = field(doc="Name of the unit.")

    def describe(self) -> str:
        return f"enable {shown(self.name)}"

    def done(self, reader: Reader) -> bool:
        return all(is_there(link, reader) for link in links_of(self.name, reader))

    def execute(self, system: System) -> None:
        for link in list(links_of(self.name, system)):
            if not is_there(link, system):
                make(link, system)

    def touched(self, reader: Reader) -> tuple[str, ...]:
        links = [link.path for link in links_of(self.name, reader)]
        return (*(parent_of(path) for path in links if parent_of(path) != UNIT_DIRECTORY), *links)


def make(link: Link, system: System) -> None:
    """Make a link, with the folders that it lies in."""
    make_missing(system, parent_of(system.resolve(link.path)), 0o755, "")
    path = system.resolve(link.path)
    if system.look(path).kind == "directory":
        raise ProvisionError(f"{shown(path)} is a directory; a link that enables a unit goes there")
    system.make_link(path, link.target, "")


def is_there(link: Link, reader: Reader) -> bool:
    """Whether there is a link that leads to a unit of that name, wherever it lies."""
    found = reader.look(reader.resolve(link.path))
    return found.kind == "link" and found.target.rpartition("/")[2] == link.target.rpartition("/")[2]


# ---- what enables a unit -------------------------------------------------------------------------------------------------


def links_of(name: str, reader: Reader) -> Iterator[Link]:
    """The links that enable a unit and those that go with it; none for a unit that is missing or masked."""
    todo, seen = [name], set()
    while todo:
        unit = find(todo.pop(0), reader)
        if unit is None or unit.name in seen:
            continue
        seen.add(unit.name)
        yield from own_links(unit)
        todo += [expanded(word, unit.name) for word in unit.install.get("Also", ())]


def own_links(unit: UnitFile) -> Iterator[Link]:
    """The links of one unit."""
    name = wanted_name(unit)
    for key, ending in WANTING.items():
        for word in unit.install.get(key, ()):
            if not is_template(name):
                yield Link(joined(UNIT_DIRECTORY, f"{expanded(word, unit.name)}.{ending}/{name}"), unit.path)
    for word in unit.install.get("Alias", ()):
        alias = joined(UNIT_DIRECTORY, alias_name(expanded(word, unit.name), unit.name))
        if alias != unit.path:
            yield Link(alias, unit.path)


def wanted_name(unit: UnitFile) -> str:
    """The name under which others want a unit: of a template that is its default instance."""
    default = unit.install.get("DefaultInstance", ())
    if is_template(unit.name) and default:
        return unit.name.replace("@.", f"@{expanded(default[-1], unit.name)}.", 1)
    return unit.name


def alias_name(alias: str, name: str) -> str:
    """An alias of an instance: a template among the aliases takes the instance over."""
    instance = parts_of(name)[1]
    return alias.replace("@.", f"@{instance}.", 1) if is_template(alias) and instance else alias


def is_template(name: str) -> bool:
    """Whether a name is that of a template."""
    return "@." in name


def parts_of(name: str) -> tuple[str, str, str]:
    """('getty', 'tty1', '.service') of getty@tty1.service; the instance is empty where there is none."""
    stem, dot, kind = name.rpartition(".")
    prefix, _, instance = stem.partition("@")
    return prefix, instance, dot + kind


def expanded(text: str, name: str) -> str:
    """A value with its specifiers replaced. Source: systemd.unit(5), "SPECIFIERS"; those of the machine are left."""
    prefix, instance, kind = parts_of(name)
    values = {
        "n": name, "N": name.removesuffix(kind), "p": prefix, "i": instance,
        "j": prefix.rpartition("-")[2], "%": "%",
    }  # fmt: skip
    out, rest = "", text
    while rest:
        before, sign, rest = rest.partition("%")
        out += before
        if sign:
            out += values.get(rest[:1], sign + rest[:1])
            rest = rest[1:]
    return out


# ---- finding and reading --------------------------------------------------------------------------------------------------


def find(name: str, reader: Reader) -> UnitFile | None:
    """The unit of a name, or for an instance its template; None for one that is missing or masked."""
    prefix, instance, kind = parts_of(name)
    for known in (name, f"{prefix}@{kind}") if instance else (name,):
        for folder in FOLDERS:
            found = file_of(known, joined(folder, known), reader)
            if found is not None:
                own, path = found
                own = own.replace("@.", f"@{instance}.", 1) if is_template(own) and instance else own
                return None if path == MASKED else UnitFile(own, path, install_of(own, path, reader))
    return None


def file_of(name: str, path: str, reader: Reader) -> tuple[str, str] | None:
    """The name and the path of a unit's own file, where there is one: a link to a unit of another name is an alias."""
    for _ in range(MAX_LINKS):
        place = reader.resolve(path)
        found = reader.look(place)
        if found.kind == "file":
            return name, path
        if found.kind != "link":
            return None
        if found.target == MASKED:
            return name, MASKED
        target = found.target if found.target.startswith("/") else joined(parent_of(path), found.target)
        name, path = target.rpartition("/")[2], target
    return None


def install_of(name: str, path: str, reader: Reader) -> dict[str, tuple[str, ...]]:
    """What the unit's file and its drop-ins say under [Install]."""
    texts = [read(path, reader)]
    prefix, instance, kind = parts_of(name)
    stems = (name, f"{prefix}@{kind}") if instance else (name,)
    dropins: dict[str, str] = {}
    for folder in FOLDERS:
        for stem in stems:
            directory = reader.resolve(joined(folder, f"{stem}.d"), follow=True)
            for entry in reader.names(directory):
                if entry.endswith(".conf"):
                    dropins.setdefault(entry, joined(directory, entry))
    texts += [read(dropins[entry], reader) for entry in sorted(dropins)]
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        for key, words in assignments(text):
            found[key] = (*found.get(key, ()), *words) if words else ()
    return found


def read(path: str, reader: Reader) -> str:
    """A unit's file as text; empty for what is no file."""
    place = reader.resolve(path, follow=True)
    return reader.read(place).decode(errors="replace") if reader.look(place).kind == "file" else ""


def assignments(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys under [Install] that count here, with their words. Source: systemd.syntax(7)."""
    section = ""
    for line in logical_lines(text):
        if line.startswith("["):
            section = line
        elif section == "[Install]":
            key, _, value = line.partition("=")
            if key.strip() in KEYS:
                yield key.strip(), tuple(value.split())


def logical_lines(text: str) -> Iterator[str]:
    """The lines without comments, and with those joined that end in a backslash."""
    whole = ""
    for line in text.split("\n"):
        if line.lstrip().startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        yield (whole + line).strip()
        whole = ""
    if whole.strip():
        yield whole.strip()
