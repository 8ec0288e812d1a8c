"""The sections of services: etcd, etcd2, fleet, flannel and locksmith become drop-ins with variables, and oem a file."""

from collections.abc import Iterator

from provision.diagnostics import declare
from provision.document.nodes import key_node
from provision.ignition import Dropin
from provision.schema.cloud_config import CoreOS, Oem, Section
from provision.transpile.author import Author
from provision.transpile.cloud_config import variables
from provision.transpile.cloud_config.draft import Draft
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
OEM_RELEASE = "/etc/oem-release"


def expand(coreos: CoreOS, draft: Draft, author: Author) -> None:
    """Write the drop-ins of the sections that have settings."""
    for name, unit in SERVICES.items():
        section: Section = getattr(coreos, name)
        if name in GONE and section.origin is not None:
            said = f"{GONE[name]} is no longer shipped in Container Linux, nor in any heir of it"
            place = key_node(coreos.origin, name) or section.origin
            hint = "see `provision explain PV702`"
            author.diagnostics.append(author.document.diagnostic(place, "PV702", "warning", said, hint))
        settings = list(set_variables(section))
        if settings:
            text = render(
                [("Service", [("Environment", environment_value(name, value)) for name, value, _ in settings])]
            )
            places = {name: author.place(section, field) for name, _, field in settings}
            made = Dropin(name=DROPIN, contents=text).at(section.origin, contents=section.origin, **places)
            draft.unit(unit, section.origin).dropins[DROPIN] = made
    if any(set_variables(coreos.flannel)):
        author.fate(
            coreos, "flannel", "unit", f"variables in {DROPIN} of flanneld.service instead of /run/flannel/options.env"
        )


def set_variables(section: Section) -> Iterator[tuple[str, str, str]]:
    """Variable, value and field of every setting that is not zero, in their order."""
    for setting in section.settings:
        value = getattr(section, setting.key)
        if value:
            text = go_float(value) if setting.kind == "float" else "true" if value is True else str(value)
            if text != "0":
                yield setting.variable, text, setting.key


def go_float(text: str) -> str:
    """A number with a fraction as Go writes it. Text that is none is told by `structure`."""
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


def expand_oem(oem: Oem, draft: Draft, author: Author) -> None:
    """Write /etc/oem-release: always five lines, some of them in quotes."""
    if not oem.id:
        return
    text = "".join((
        f"ID={oem.id}\n", f"VERSION_ID={oem.version_id or ''}\n", f"NAME={go_quoted(oem.name)}\n",
        f"HOME_URL={go_quoted(oem.home_url)}\n", f"BUG_REPORT_URL={go_quoted(oem.bug_report_url)}\n",
    ))  # fmt: skip
    draft.write(OEM_RELEASE, text, oem.origin)


def go_quoted(text: str | None) -> str:
    """A text between double quotes, as Go's %q has it."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    out = "".join(
        escapes.get(char) or (char if char.isprintable() or char == variables.MARK else f"\\u{ord(char):04x}")
        for char in text or ""
    )
    return f'"{out}"'
