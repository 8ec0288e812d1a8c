"""Variables that only the machine knows the value of: one small service fills them in at boot.

Every file and unit with such a variable has a template below /etc/provision/templates, at its own path. The service
waits for the metadata of the platform, fills in the templates and has systemd read the units again, before those start
that need it. Where the variables of a unit stand in its commands only, systemd fills them in itself, from a file of
variables that the service writes. A machine that does not learn an address says so, and what needs it does not start.
"""

import re
from collections.abc import Iterator

from provision.diagnostics import declare
from provision.ignition import Dropin, File
from provision.schema.cloud_config import CloudConfig
from provision.transpile.author import Author
from provision.transpile.cloud_config import networks, variables
from provision.transpile.cloud_config.draft import UNITS, Draft
from provision.transpile.cloud_config.updates import UPDATE_CONF
from provision.units import parse, render

declare(
    "PV721", "info", "filled in at boot",
    """An address is known when the document is translated.

    A variable such as `$private_ipv4` without a value is filled in by a service at boot, from the metadata of the platform.
    Where the address is known already, `--set private_ipv4=10.0.0.5` makes the service unnecessary.

    Bad:
        #cloud-config
        write_files:
          - path: /etc/address
            content: $private_ipv4

    Good:
        #cloud-config
        write_files:
          - path: /etc/address
            content: 10.0.0.5
    """,
)  # fmt: skip

SERVICE = "provision-render.service"
SCRIPT = "/etc/provision/render.sh"
TEMPLATES = "/etc/provision/templates"
ADDRESSES = "/run/provision/addresses"
DROPIN = "10-provision-addresses.conf"
# Who writes down what the platform tells of the machine: on Container Linux and Flatcar, and on Fedora CoreOS and its kin.
METADATA = "coreos-metadata.service"
AFTERBURN = dict.fromkeys(("fcos", "fedora", "rhcos", "scos", "openshift"), "afterburn.service")
# What is started so early that nothing can wait for an address before it: it is started again.
EARLY_TYPES = (".socket", ".timer", ".mount", ".automount", ".path", ".swap", ".target", ".slice")
EARLY_SERVICES = re.compile(rf"systemd-.+|NetworkManager.*|afterburn.*|{re.escape(METADATA)}")
EARLY_TARGETS = frozenset((
    "basic.target", "local-fs.target", "network-online.target", "network-pre.target", "network.target", "sysinit.target", METADATA,
))  # fmt: skip
# Who reads a file that no unit of the document names.
READ_BY = {UPDATE_CONF: ("locksmithd.service", "update-engine.service")}
# What each address is called, behind COREOS_ or AFTERBURN_ and the platform. Source: Afterburn 5.7, `docs/usage/attributes.md`.
CALLED = {
    "private_ipv4": "PRIVATE_IPV4|.+_(IPV4_LOCAL|LOCAL_IPV4|IP_LOCAL_0|IPV4_PRIVATE(_0)?|PRIVATE_IPV4(_0)?|IPV4_DYNAMIC)",
    "public_ipv4": "PUBLIC_IPV4|.+_(IPV4_PUBLIC(_0)?|PUBLIC_IPV4(_0)?|IP_EXTERNAL_0|IPV4_VIRTUAL|EIPV4)",
    "private_ipv6": "PRIVATE_IPV6|.+_(IPV6_PRIVATE_0|PRIVATE_IPV6)",
    "public_ipv6": "PUBLIC_IPV6|.+_(IPV6_PUBLIC_0|PUBLIC_IPV6|AWS_IPV6)|AWS_IPV6",
}
LONGEST_VALUE = 1900  # of 2047 bytes in a line
SETTING = re.compile(f'^(?:Environment=")?([A-Z0-9_]+)=[^\n]*{variables.MARK}', re.M)
NO = frozenset(("no", "false", "off", "0"))
PATHS = re.compile(r"/[\w./@+-]+")

# PROVISION_ROOT is for trying it out: all paths lie below it.
TEXT = r"""#!/bin/sh
# Fills this machine's addresses into the templates below /etc/provision/templates.
set -eu
root="${PROVISION_ROOT:-}"
templates="$root/etc/provision/templates"
addresses="$root/run/provision/addresses"
mkdir -p "$root/run/provision"
: >"$addresses.new"
: >"$addresses.sed"

fail() {
    echo "provision-render: $*" >&2
    exit 1
}

# learn NAME VARIABLE PATTERN: look for an address in what the platform told, and keep it.
learn() {
    value=
    for file in "$root/run/metadata/coreos" "$root/run/metadata/flatcar" "$root/run/metadata/afterburn"; do
        if [ -z "$value" ] && [ -r "$file" ]; then
            value=$(sed -nE "s/^(COREOS|AFTERBURN)_($3)=//p" "$file" | sed -n '1{s/^"//;s/"$//;p;}')
        fi
    done
    [ -n "$value" ] || fail "the platform tells no address for \$$1; give it with --set $1=ADDRESS"
    case "$value" in
    *[!0-9A-Fa-f.:]*) fail "\"$value\" is no address for \$$1" ;;
    esac
    echo "$2=$value" >>"$addresses.new"
    echo "s/@provision:$1@/$value/g" >>"$addresses.sed"
}

# fill PATH: write a file from its template. Its owner and mode stay.
fill() {
    mkdir -p "$root${1%/*}"
    sed -f "$addresses.sed" "$templates$1" >"$addresses.out"
    cat "$addresses.out" >"$root$1"
}

"""


def expand(root: CloudConfig, draft: Draft, author: Author) -> None:
    """Write the service, the script and the templates, where a text waits for an address."""
    commands = fill_commands(draft)
    files = {path: text for path, text in draft.texts.items() if path in draft.files and variables.marked(text)}
    units = dict(waiting_units(draft))
    texts = [*files.values(), *(text for _, _, text in (*units.values(), *commands))]
    names = sorted({name for text in texts for name in variables.MARKED.findall(text)})
    if not names:
        return
    origin = root.origin
    filled = {**files, **{path: text for path, (_, _, text) in units.items()}}
    consumers = sorted({*(name for name, _, _ in (*commands, *units.values())), *readers(set(files), draft)})
    waiting = [(place_of(draft.files[path], text), text) for path, text in files.items()]
    tell([*waiting, *((place, text) for _, place, text in (*units.values(), *commands))], author)
    give_commands_addresses(commands, draft)
    for path, text in filled.items():
        draft.write(TEMPLATES + path, templated(text), origin, 0o600)
    too_early = {name: is_early(name, draft) for name in consumers}
    early = [name for name in consumers if too_early[name]]
    late = [name for name in consumers if not too_early[name]]
    if any(path.startswith(f"{networks.DIRECTORY}/") for path in files):
        early.append("systemd-networkd.service")
    draft.write(SCRIPT, script(names, sorted(filled), reload=bool(units), again=early), origin, 0o755)
    metadata = AFTERBURN.get(author.options.target_os or "", METADATA)
    draft.service(SERVICE, service(metadata, late), origin)
    for name in late:
        if "@." in name:  # a template can't be ordered, its instances can
            draft.unit(name, origin).dropins["10-provision-render.conf"] = Dropin(
                name="10-provision-render.conf", contents=f"[Unit]\nRequires={SERVICE}\nAfter={SERVICE}\n"
            ).at(origin)


def waiting_units(draft: Draft) -> Iterator[tuple[str, tuple[str, object, str]]]:
    """Path, unit, record's place and text of every unit and drop-in that waits for an address."""
    for name, unit in draft.units.items():
        if unit.contents and variables.marked(unit.contents) and not unit.masked:
            yield f"{UNITS}/{name}", (name, unit.spots.get("contents", unit.origin), unit.contents)
        for dropin in unit.dropins.values():
            text = dropin.contents or ""
            if variables.marked(text):
                yield f"{UNITS}/{name}.d/{dropin.name}", (name, place_of(dropin, text), text)


def place_of(made: Dropin | File, text: str) -> object:
    """Where the first setting stands that waits for an address, or the text that is no list of settings."""
    found = SETTING.search(text)
    return (made.spot(found[1]) if found else None) or made.spot("contents") or made.origin


def is_early(name: str, draft: Draft) -> bool:
    """Whether a unit is started before there is a network that could tell an address: waiting would be a cycle."""
    if name.endswith(EARLY_TYPES) or EARLY_SERVICES.fullmatch(name):
        return True
    unit = parse(draft.text_of(name) or "")
    return unit.value("Unit", "DefaultDependencies") in NO or not EARLY_TARGETS.isdisjoint(unit.words("Unit", "Before"))


def fill_commands(draft: Draft) -> list[tuple[str, object, str]]:
    """Replace variables that stand in commands only by systemd's own; unit, place and text of those that had some."""
    found: list[tuple[str, object, str]] = []
    for name, unit in draft.units.items():
        if unit.contents and not unit.masked and in_commands(unit.contents):
            found.append((name, unit.spots.get("contents", unit.origin), unit.contents))
            unit.contents = of_systemd(unit.contents)
        for dropin in list(unit.dropins.values()):
            text = dropin.contents or ""
            if in_commands(text):
                found.append((name, place_of(dropin, text), text))
                unit.dropins[dropin.name] = dropin.changed(contents=of_systemd(text))
    return found


def in_commands(text: str) -> bool:
    """Whether a unit has variables, and all of them in the commands of its service."""
    waits = variables.marked(text)
    if not waits:
        return False
    commands = [option for option in parse(text).options("Service") if option.name.startswith("Exec")]
    return sum(len(variables.marked(option.value)) for option in commands) == len(waits)


def of_systemd(text: str) -> str:
    """A text with variables that systemd fills in."""
    return variables.MARKED.sub(lambda found: f"${{{variables.environment_name(found[1])}}}", text)


def templated(text: str) -> str:
    """A text as a template of the script."""
    return variables.MARKED.sub(lambda found: f"@provision:{found[1]}@", text)


def give_commands_addresses(commands: list[tuple[str, object, str]], draft: Draft) -> None:
    """Have systemd read the file of variables for units with variables in their commands."""
    for name, _, _ in commands:
        unit = draft.units[name]
        made = Dropin(name=DROPIN, contents=f"[Service]\nEnvironmentFile={ADDRESSES}\n")
        unit.dropins[DROPIN] = made.at(unit.spots.get("contents", unit.origin))


def readers(paths: set[str], draft: Draft) -> set[str]:
    """The units whose text names one of these files, and services that are known to read one."""
    found = {name for path in paths for name in READ_BY.get(path, ())}
    for name, unit in draft.units.items():
        texts = [unit.contents or "", *(dropin.contents or "" for dropin in unit.dropins.values())]
        if paths and any(not paths.isdisjoint(PATHS.findall(text)) for text in texts):
            found.add(name)
    return found


def tell(waiting: list[tuple[object, str]], author: Author) -> None:
    """Say of every text that waits for an address, with its place, where the address comes from."""
    for place, text in waiting:
        first = variables.MARKED.search(text)
        if first:
            name, line = first[1], text.count("\n", 0, first.start()) + 1
            said = f"${name} is filled in at boot, by {SERVICE}"
            at = author.document.line_inside(place, line)
            hint = f"--set {name}=ADDRESS does it now"
            author.diagnostics.append(author.document.diagnostic(at, "PV721", "info", said, hint))


def script(names: list[str], paths: list[str], *, reload: bool, again: list[str]) -> str:
    """The script that looks the addresses up and fills in the templates."""
    from shlex import quote

    lines = [f"learn {name} {variables.environment_name(name)} '{CALLED[name]}'" for name in names]
    lines += ['mv "$addresses.new" "$addresses"', *(f"fill {quote(path)}" for path in paths)]
    lines += ['rm -f "$addresses.sed" "$addresses.out"']
    lines += ["systemctl daemon-reload"] if reload else []
    lines += [f"systemctl --no-block restart {quote(name)}" for name in again]
    return TEXT + "\n".join(lines) + "\n"


def service(metadata: str, late: list[str]) -> str:
    """The unit of the service: behind the metadata, and before the units that need it."""
    named = lines_of([name for name in late if "@." not in name])
    before = [("Before", line) for line in named]
    required = [("RequiredBy", line) for line in named]
    return render([
        ("Unit", [("Description", "Fill in the addresses of this machine"), ("Requires", metadata), ("After", metadata), *before]),
        ("Service", [("Type", "oneshot"), ("RemainAfterExit", "yes"), ("ExecStart", f"/bin/sh {SCRIPT}")]),
        ("Install", [("WantedBy", "multi-user.target"), *required]),
    ])  # fmt: skip


def lines_of(names: list[str]) -> list[str]:
    """Names as values of an option, none of them longer than Ignition takes."""
    lines: list[list[str]] = []
    room = 0
    for name in names:
        if room < len(name):
            lines.append([])
            room = LONGEST_VALUE
        lines[-1].append(name)
        room -= len(name) + 1
    return [" ".join(line) for line in lines]
