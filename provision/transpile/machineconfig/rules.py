"""What the operator refuses in a MachineConfig, beside what Ignition refuses in its config.

Source: machine-config-operator 4.20, `ValidateMachineConfig` and `ValidateIgnition` in
`pkg/controller/common/helpers.go`, and the API server's rules for names.
"""

import json
from collections.abc import Iterator

from provision.diagnostics import nearest
from provision.document.nodes import child, text_of
from provision.ignition import NEWEST, File
from provision.record import encode
from provision.schema.machineconfig import API_VERSION, EXTENSIONS, KERNEL_TYPES, ROLE, MachineConfig, MachineConfigSpec
from provision.schema.rules import Finding, rule
from provision.transpile.machineconfig.objects import DNS_SUBDOMAIN, files_of

# Source: machine-config-operator, the request limit of etcd: 1.5 MiB.
MAX_BYTES = 1_572_864
NEARLY = 0.8


@rule("PV758", "error", on=MachineConfig)
def object_has_the_known_api_version(config: MachineConfig) -> Iterator[Finding]:
    """A MachineConfig is of the API version machineconfiguration.openshift.io/v1.

    The API server has no other and refuses the object. Source: OpenShift, `machineconfiguration/v1`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1beta1
        kind: MachineConfig
        metadata:
          name: 50-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]
    """
    if config.api_version != API_VERSION:
        yield Finding("api_version", f"`{config.api_version}` has no MachineConfig", f"write {API_VERSION}")


@rule("PV759", "error", on=MachineConfig)
def name_is_a_dns_name(config: MachineConfig) -> Iterator[Finding]:
    """The name of an object is a DNS name: small letters, digits, dashes and dots, at most 253 of them.

    The API server refuses any other. Source: Kubernetes, "Object Names and IDs".

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker_swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]
    """
    metadata = config.metadata
    if not metadata.broken and "name" not in metadata.absent and not DNS_SUBDOMAIN.fullmatch(metadata.name):
        yield Finding(
            "name", f"`{metadata.name}` is no name for an object",
            "use small letters, digits, `-` and `.`, and begin and end with a letter or digit", on=metadata,
        )  # fmt: skip


@rule("PV760", "warning", on=MachineConfig)
def object_has_a_role(config: MachineConfig) -> Iterator[Finding]:
    """A MachineConfig has the label that says which role it is for.

    Pools find their configs by it; one that no pool finds has no effect.
    Source: OpenShift, "Machine configuration", machineconfiguration.openshift.io/role.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-swap
        spec:
          kernelArguments: [swapaccount=1]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]
    """
    metadata = config.metadata
    if not (metadata.broken or metadata.name.startswith("rendered-") or (metadata.labels or {}).get(ROLE)):
        yield Finding("labels", f"no label {ROLE} says which pool takes this", "worker, master or a pool's name", on=metadata)  # fmt: skip


@rule("PV675", "error", on=MachineConfigSpec)
def kernel_type_is_one_of_the_operators(spec: MachineConfigSpec) -> Iterator[Finding]:
    """The kernel type is default, realtime or 64k-pages."""
    if spec.kernel_type is not None and spec.kernel_type not in KERNEL_TYPES:
        yield Finding("kernel_type", f"`{spec.kernel_type}` is no kernel type", "use default, realtime or 64k-pages")


@rule("PV761", "warning", on=MachineConfigSpec)
def extension_is_on_the_list(spec: MachineConfigSpec) -> Iterator[Finding]:
    """An extension is one that the operator knows.

    The list depends on the version of the cluster; a name that is on none of them keeps the pool from updating.
    Source: machine-config-operator 4.20, `SupportedExtensions`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-usb
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          extensions: [usb-guard]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-usb
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          extensions: [usbguard]
    """
    known = ", ".join(f"{name} ({since})" for name, since in EXTENSIONS.items())
    for at, name in enumerate(spec.extensions):
        if name not in EXTENSIONS:
            meant = nearest(name, list(EXTENSIONS))
            hint = f"did you mean `{meant}`?" if meant else f"known, with the first cluster: {known}"
            yield Finding("extensions", f"`{name}` is no extension", hint, item=at)


@rule("PV762", "error", on=MachineConfigSpec)
def file_has_permission_bits_only(spec: MachineConfigSpec) -> Iterator[Finding]:
    """The mode of a MachineConfig's file has no setuid, setgid or sticky bit.

    The operator refuses such a config. Often a mode was meant octal: JSON, and YAML without a leading 0, take `644`
    as a decimal number. Source: machine-config-operator, `ValidateIgnitionConfig`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 644
                  contents:
                    source: data:,hello

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 420
                  contents:
                    source: data:,hello
    """
    for file in files_of(spec):
        if file.mode is not None and 0o777 < file.mode <= 0o7777:
            meant, bits = meant_octal(file), file.mode & 0o777
            hint = f"did you mean {meant:#o}? It is {meant} in decimal" if meant else f"write {bits:#o}, in JSON {bits}"
            yield Finding("mode", f"mode {file.mode:#o} has setuid, setgid or sticky bits", hint, on=file)


@rule("PV768", "warning", on=MachineConfigSpec)
def mode_is_meant_decimal(spec: MachineConfigSpec) -> Iterator[Finding]:
    """A mode that reads as an octal number is written as one.

    JSON, and YAML without a leading 0, take `400` as a decimal number, which is 0o620. Source: RFC 8259, section 6.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 400
                  contents:
                    source: data:,hello

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 0400
                  contents:
                    source: data:,hello
    """
    for file in files_of(spec):
        meant = meant_octal(file)
        if meant and file.mode is not None and file.mode <= 0o777:
            said = f"mode {file.mode} is {file.mode:#o}, which is unusual"
            yield Finding("mode", said, f"did you mean {meant:#o}? It is {meant} in decimal", on=file)


USUAL_MODES = frozenset(("400", "440", "444", "500", "544", "550", "555", "600", "640", "644", "660", "664", "666", "700", "744", "750", "755", "775", "777"))  # fmt: skip


def meant_octal(file: File) -> int:
    """The mode that a decimal number was most likely meant as; 0 where it is none of the usual ones."""
    written = text_of(child(file.origin, "mode")) or ""
    return int(written, 8) if written in USUAL_MODES else 0


@rule("PV763", "error", on=MachineConfigSpec)
def headers_fit_the_kernel(spec: MachineConfigSpec) -> Iterator[Finding]:
    """The extension kernel-devel goes with the default kernel only.

    There are no such packages for the other kernels, and the operator refuses the pair.
    Source: machine-config-operator 4.20, `ValidateMachineConfigExtensions`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-kernel
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelType: realtime
          extensions: [kernel-devel]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-kernel
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelType: default
          extensions: [kernel-devel]
    """
    if spec.kernel_type in KERNEL_TYPES[2:] and "kernel-devel" in spec.extensions:
        at = spec.extensions.index("kernel-devel")
        yield Finding("extensions", f"there is no kernel-devel for the {spec.kernel_type} kernel", "leave one of the two out", item=at)  # fmt: skip


@rule("PV764", "error", on=MachineConfigSpec)
def object_fits_the_store(spec: MachineConfigSpec) -> Iterator[Finding]:
    """A MachineConfig, and what all of a pool's are merged to, has at most 1572864 bytes of JSON.

    etcd takes no larger request. From 80 % of it on this is a warning. Large files belong into an image or onto a
    server. Source: machine-config-operator 4.20, `ValidateRenderedConfigSize`; etcd, `--max-request-bytes`.
    """
    if spec.config is not None:
        yield from size_findings(encode(spec.config, NEWEST))


def size_findings(data: object) -> Iterator[Finding]:
    """What is to be said of the size of an object."""
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
    if size > MAX_BYTES * NEARLY:
        said = f"the object has {size} bytes of JSON; the cluster takes {MAX_BYTES}"
        yield Finding("config", said, "fetch large files instead", severity="error" if size > MAX_BYTES else "warning")
