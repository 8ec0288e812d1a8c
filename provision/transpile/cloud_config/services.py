"""The sections of services: etcd, etcd2, fleet, flannel and locksmith become drop-ins with variables, and oem a file."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from provision.diagnostics import declare
from provision.document.nodes import key_node
from provision.ignition import Dropin
from provision.schema.cloud_config import CoreOS, Oem, Section
from provision.transpile.author import Author
from provision.transpile.cloud_config import variables
from provision.transpile.cloud_config.draft import KEPT, Draft
from provision.units import environment_value, render

declare(
    "PV702", "warning", "service that is gone",
    """The settings are of a service that the image has.

    etcd 0.4, etcd 2 and fleet left Container Linux in early 2018, and no heir of it has them. Their settings are written
    all the same, for an image or a unit that has the program. Source: coreos-cloudinit 1.14, `config/config.go`.

    Bad:
        #cloud-config
        coreos:
          etcd2:
            discovery: https://discovery.etcd.io/60887e46255f4efea37077ccf12b5f06
          units:
            - name: etcd2.service
              command: start

    Good:
        #cloud-config
        coreos:
          locksmith:
            endpoint: http://10.0.0.1:2379
    """,
)  # fmt: skip

DROPIN = "20-cloudinit.conf"
# The sections in the order in which their drop-ins are made, and the units of their services.
SERVICES = {
    "etcd": "etcd.service", "etcd2": "etcd2.service", "fleet": "fleet.service", "locksmith": "locksmithd.service",
    "flannel": "flanneld.service",
}  # fmt: skip
GONE = {"etcd": "etcd 0.4", "etcd2": "etcd 2", "fleet": "fleet"}
FLANNEL_OPTIONS = "/run/flannel/options.env"
LARGE = 6  # the power of ten from which Go writes numbers with an exponent
OEM_RELEASE = "/etc/oem-release"


class Variable(NamedTuple):
    """A setting as a variable of its service: its name, its value, and the field that it comes from."""

    name: str
    value: str
    field: str


def expand(coreos: CoreOS, draft: Draft, author: Author) -> None:
    """Write the drop-ins of the sections that have settings."""
    for name, unit in SERVICES.items():
        section: Section = getattr(coreos, name)
        if name in GONE and section.origin is not None:
            warn_of_gone(name, coreos, author)
        settings = list(set_variables(section))
        places = {variable: author.place(section, field) for variable, _, field in settings}
        if settings:
            write_dropin(unit, section, settings, places, draft, author)
        if settings and name == "flannel":
            write_options(section, settings, places, draft)
            author.fate(coreos, "flannel", "unit", f"{DROPIN} of flanneld.service, beside {FLANNEL_OPTIONS}")


def warn_of_gone(name: str, coreos: CoreOS, author: Author) -> None:
    """Say that no image has a service any more."""
    said = f"{GONE[name]} is no longer shipped in Container Linux, nor in any heir of it"
    place = key_node(coreos.origin, name) or coreos.origin
    hint = "leave it out, or bring the program in a unit of your own"
    author.diagnostics.append(author.document.diagnostic(place, "PV702", "warning", said, hint))


def write_dropin(
    unit: str, section: Section, settings: list[Variable], places: dict[str, object], draft: Draft, author: Author
) -> None:
    """Write the settings of one service as its variables; a drop-in of that name in /etc has always won over it."""
    made = draft.unit(unit, section.origin)
    if DROPIN in made.dropins:
        said = f"{unit} has a drop-in {DROPIN} under `units`, which wins over these settings"
        author.complain("PV709", "warning", section, None, said, "give that drop-in another name")
        return
    text = render([("Service", [("Environment", environment_value(name, value)) for name, value, _ in settings])])
    dropin = Dropin(name=DROPIN, contents=text).at(section.origin, contents=section.origin, **places)
    made.dropins[DROPIN] = dropin


def write_options(section: Section, settings: list[Variable], places: dict[str, object], draft: Draft) -> None:
    """Write flannel's settings as coreos-cloudinit did, without a line end behind the last.

    flanneld.service reads the file. It is for a system that runs already when the config is applied; what Ignition
    writes below /run is gone when the system starts, and the drop-in counts.
    """
    text = "\n".join(f"{name}={value}" for name, value, _ in settings)
    kept = KEPT + FLANNEL_OPTIONS  # where `files` has put one that the author writes
    draft.write(kept if kept in draft.files else FLANNEL_OPTIONS, text, section.origin, **places)


def set_variables(section: Section) -> Iterator[Variable]:
    """Variable, value and field of every setting that is not zero, in their order."""
    for setting in section.settings:
        value = getattr(section, setting.key)
        if value:
            text = go_float(value) if setting.kind == "float" else "true" if value is True else str(value)
            if setting.kind != "float" or text != "0":
                yield Variable(setting.variable, text, setting.key)


def go_float(text: str) -> str:
    """A number with a fraction as Go writes it. Text that is none is told by `structure`."""
    try:
        number = Decimal(repr(float(text.replace("_", "")))).normalize()
    except ValueError:
        return text
    exponent = number.adjusted()
    if not number or -4 <= exponent < LARGE:
        return f"{number:f}"
    return f"{number.scaleb(-exponent):f}e{exponent:+03d}"


def expand_oem(oem: Oem, draft: Draft, author: Author) -> None:
    """Write /etc/oem-release: always five lines, some of them in quotes."""
    if not oem.id:
        return
    text = "".join((
        f"ID={oem.id}\n", f"VERSION_ID={oem.version_id or ''}\n", f"NAME={go_quoted(oem.name)}\n",
        f"HOME_URL={go_quoted(oem.home_url)}\n", f"BUG_REPORT_URL={go_quoted(oem.bug_report_url)}\n",
    ))  # fmt: skip
    places = {
        name: author.place(oem, name.lower()) for name in ("ID", "VERSION_ID", "NAME", "HOME_URL", "BUG_REPORT_URL")
    }
    draft.write(OEM_RELEASE, text, oem.origin, **places)


def go_quoted(text: str | None) -> str:
    """A text between double quotes, as Go's %q has it."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    out = "".join(
        escapes.get(char) or (char if char.isprintable() or char == variables.MARK else f"\\u{ord(char):04x}")
        for char in text or ""
    )
    return f'"{out}"'
