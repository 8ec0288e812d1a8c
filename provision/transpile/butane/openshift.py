"""`metadata` and `openshift`: the MachineConfig around an Ignition config."""

from collections.abc import Iterator
from typing import Any

from provision.diagnostics import CODES, declare
from provision.ignition import Config, Luks
from provision.record import Record, encode, field, itself
from provision.schema.dialects import extend
from provision.schema.rules import Finding, Violation
from provision.schema.rules.duplicates import entries_are_unique
from provision.transpile.author import Author
from provision.transpile.butane.grub import without_append
from provision.transpile.source_rules import source_rule
from provision.versions import Release, version_key

API_VERSION = "machineconfiguration.openshift.io/v1"
ROLE = "machineconfiguration.openshift.io/role"
KERNEL_TYPES = ("", "default", "realtime")
CEX_ARGUMENT = "rd.luks.key=/etc/luks/cex.key"
# The one cipher that RHCOS may use in FIPS mode for volumes that Ignition makes.
FIPS_CIPHER = "aes-cbc-essiv:sha256"
OPENSHIFT = {"openshift": "4.8.0"}


class Metadata(Record):
    """What Kubernetes knows of the object: `metadata`."""

    name: str = field(doc="Name of the MachineConfig, for example 99-worker-chrony.")
    labels: dict[str, str] | None = field(default=None, doc=f"Labels; {ROLE} says which machines it is for.")


class OpenShift(Record):
    """What OpenShift sets beside the Ignition config: `openshift`."""

    extensions: tuple[str, ...] = field(default=(), by=itself, doc="Extensions of the operating system.")
    fips: bool | None = field(default=None, doc="Run in FIPS mode.")
    kernel_arguments: tuple[str, ...] = field(default=(), by=itself, doc="Arguments to add to the kernel command line.")
    kernel_type: str | None = field(default=None, doc="default or realtime.")


extend(Config, "metadata", Metadata, factory=lambda: Metadata(name=""), variants=OPENSHIFT, doc="Name and labels.")
extend(
    Config, "openshift", OpenShift, factory=OpenShift, variants=OPENSHIFT, doc="Settings beside the Ignition config."
)

declare(
    "PV673", "warning", "lost in raw mode",
    """What only a MachineConfig can say is lost in raw mode, which prints the Ignition config alone.""",
)  # fmt: skip


@source_rule("PV674", "error", on=Config, variants=OPENSHIFT)
def machineconfig_has_name_and_role(config: Config) -> Iterator[Finding]:
    """A MachineConfig has a name, and a label that says which role it is for.

    Bad:
        variant: openshift
        version: 4.14.0
        metadata:
          name: 99-worker-motd

    Good:
        variant: openshift
        version: 4.14.0
        metadata:
          name: 99-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
    """
    metadata: Metadata = config.extra("metadata") or Metadata(name="").at(config.origin)
    if metadata.broken:
        return
    if not metadata.name:
        yield Finding("name", "a MachineConfig needs metadata.name", on=metadata)
    if not (metadata.labels or {}).get(ROLE):
        yield Finding(
            "labels", f"a MachineConfig needs the label {ROLE}", "worker, master or the name of a pool", on=metadata
        )


@source_rule("PV675", "error", on=OpenShift)
def kernel_type_is_known(openshift: OpenShift) -> Iterator[Finding]:
    """The kernel type is default or realtime.

    Bad:
        variant: openshift
        version: 4.14.0
        metadata:
          name: 99-worker-kernel
          labels:
            machineconfiguration.openshift.io/role: worker
        openshift:
          kernel_type: fast

    Good:
        variant: openshift
        version: 4.14.0
        metadata:
          name: 99-worker-kernel
          labels:
            machineconfiguration.openshift.io/role: worker
        openshift:
          kernel_type: realtime
    """
    if openshift.kernel_type is not None and openshift.kernel_type not in KERNEL_TYPES:
        yield Finding("kernel_type", f"`{openshift.kernel_type}` is no kernel type", "use default or realtime")


@source_rule("PV676", "error", on=Config, since="3.5", variants={"openshift": "4.19.0"})
def cex_key_is_on_the_command_line(config: Config) -> Iterator[Finding]:
    """A root volume with CEX is unlocked with the key that the kernel command line names.

    Bad:
        variant: openshift
        version: 4.19.0
        metadata:
          name: 99-worker-cex
          labels:
            machineconfiguration.openshift.io/role: worker
        boot_device:
          layout: s390x-virt
          luks:
            cex:
              enabled: true

    Good:
        variant: openshift
        version: 4.19.0
        metadata:
          name: 99-worker-cex
          labels:
            machineconfiguration.openshift.io/role: worker
        openshift:
          kernel_arguments: [rd.luks.key=/etc/luks/cex.key]
        boot_device:
          layout: s390x-virt
          luks:
            cex:
              enabled: true
    """
    openshift: OpenShift = config.extra("openshift") or OpenShift()
    boot = config.extra("boot_device")
    on_boot = bool(boot and boot.luks.cex.enabled)
    on_root = any(volume.name == "root" and volume.cex.enabled for volume in config.storage.luks)
    if (on_boot or on_root) and CEX_ARGUMENT not in openshift.kernel_arguments:
        place = openshift if config.extra("openshift") else config
        yield Finding(
            "kernel_arguments" if place is openshift else None,
            f"a root volume with cex needs the kernel argument {CEX_ARGUMENT}", "add it to openshift.kernel_arguments",
            on=place,
        )  # fmt: skip


def expand(config: Config, author: Author) -> Config:
    """Adapt the Ignition config to what OpenShift's machines need."""
    if author.release.dialect != "openshift":
        return config
    if author.release.spec >= (3, 7):
        config = without_append(config)
    openshift: OpenShift = config.extra("openshift") or OpenShift()
    if author.options.raw:
        for row, value in openshift.given():
            if value is not None:
                author.complain("PV673", "warning", openshift, row.name, f"`{row.snake}` is lost in raw mode")
    elif not openshift.broken:
        author.report(Violation(CODES["PV300"], openshift, found) for found in entries_are_unique(openshift))
    if openshift.fips and adds_cipher(author.release):
        luks = tuple(with_fips_cipher(volume, openshift, author) for volume in config.storage.luks)
        config = config.changed(storage=config.storage.changed(luks=luks))
    return config


def adds_cipher(release: Release) -> bool:
    """Whether a release chooses the cipher of volumes in FIPS mode."""
    return release.dialect == "openshift" and version_key(release.version) < (4, 20)


def with_fips_cipher(volume: Luks, openshift: OpenShift, author: Author) -> Luks:
    """The volume with a cipher that FIPS mode allows, where none was chosen."""
    if any(option in ("--cipher", "-c") or option.startswith("--cipher=") for option in volume.options):
        return volume
    changed = volume.changed(options=(*volume.options, "--cipher", FIPS_CIPHER))
    return changed if volume.options else changed.spotted(options=author.place(openshift, "fips"))


def machineconfig(config: Config, written: Record, author: Author) -> dict[str, Any]:
    """The MachineConfig object around an Ignition config; `written` is the latter in the version that is wanted."""
    metadata: Metadata = config.extra("metadata") or Metadata(name="")
    openshift: OpenShift = config.extra("openshift") or OpenShift()
    spec: dict[str, Any] = {"config": encode(written, author.spec)}
    for key, value in (
        ("kernelArguments", list(openshift.kernel_arguments)),
        ("extensions", list(openshift.extensions)),
        ("fips", openshift.fips),
        ("kernelType", openshift.kernel_type),
    ):
        if value is not None and value != []:
            spec[key] = value
    return {
        "apiVersion": API_VERSION,
        "kind": "MachineConfig",
        "metadata": {"name": metadata.name, "labels": metadata.labels or {}},
        "spec": spec,
    }
