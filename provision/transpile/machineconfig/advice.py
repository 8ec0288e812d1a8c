"""What a MachineConfig should not do, although the operator takes it.

Objects that a controller of the cluster made are passed over: nobody wrote them by hand.
Source: OpenShift 4.20, "Machine configuration".
"""

import re
from collections.abc import Iterator

from provision.schema.machineconfig import MachineConfig, MachineConfigSpec
from provision.schema.rules import Finding, rule
from provision.transpile.machineconfig.objects import is_generated, words_of

OWN_NAME = re.compile(r"\d\d-")
# Names that the installer or a controller gives. Source: OpenShift 4.20, "Machine config overview".
RESERVED_NAME = re.compile(
    r"rendered-.*|00-(master|worker|arbiter)|01-(master|worker|arbiter)-(kubelet|container-runtime)"
    r"|9[789]-.*-generated-.*|99-(master|worker|arbiter)-(ssh|fips)"
)


@rule("PV765", "warning", on=MachineConfig)
def name_has_its_place_in_the_order(config: MachineConfig) -> Iterator[Finding]:
    """A name starts with two digits and a dash, and is not one that the cluster itself uses.

    Configs are merged in the order of their names, as text: `9-x` comes after `50-x`, and `100-x` before `99-x`. What
    has the name of a generated config is overwritten. Source: OpenShift 4.20, "Machine config overview".

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 100-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 99-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]
    """
    name, metadata = config.metadata.name, config.metadata
    if is_generated(config) or metadata.broken or not name:
        return
    if RESERVED_NAME.fullmatch(name):
        yield Finding("name", f"`{name}` is a name that the cluster itself uses", "take another, such as 50-…", on=metadata)  # fmt: skip
    elif not OWN_NAME.match(name):
        yield Finding(
            "name", f"`{name}` does not start with two digits and a dash, which decide what overrides what",
            "configs are merged in the order of their names, as text: 02-… to 98-… are free", on=metadata,
        )  # fmt: skip


# Arguments of which the kernel keeps the last. Source: Linux, "The kernel's command-line parameters".
SINGLE = frozenset((
    "amd_iommu", "apparmor", "audit", "default_hugepagesz", "enforcing", "fips", "intel_iommu", "iommu", "ipv6.disable",
    "mitigations", "nosmt", "psi", "selinux", "swapaccount", "systemd.unified_cgroup_hierarchy", "transparent_hugepage",
))  # fmt: skip


@rule("PV775", "warning", on=MachineConfigSpec)
def kernel_argument_is_given_once(spec: MachineConfigSpec) -> Iterator[Finding]:
    """A kernel argument is given once, with one value.

    The operator adds each as often as it is given. Source: machine-config-operator 4.20, `MergeMachineConfigs`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-arguments
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [mitigations=off, mitigations=auto]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-arguments
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [console=tty0, console=ttyS0]
    """
    values: dict[str, str] = {}
    seen: set[str] = set()
    for word, at in words_of(spec.kernel_arguments):
        key, _, value = word.partition("=")
        if word in seen:
            yield Finding("kernel_arguments", f"`{word}` is given twice", "leave one out", item=at)
        elif key in SINGLE and values.setdefault(key, value) != value:
            yield Finding("kernel_arguments", f"`{key}` has two values: {values[key]} and {value}", "leave one out", item=at)  # fmt: skip
        seen.add(word)


@rule("PV776", "warning", on=MachineConfigSpec)
def node_keeps_its_services(spec: MachineConfigSpec) -> Iterator[Finding]:
    """The units that make a machine a node of the cluster are not masked or disabled.

    Without kubelet and crio the node never comes up. Source: OpenShift 4.20, "Machine configuration".

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-units
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            systemd:
              units:
                - name: kubelet.service
                  mask: true

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-units
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            systemd:
              units:
                - name: bluetooth.service
                  mask: true
    """
    for unit in spec.config.systemd.units if spec.config else ():
        if unit.name in ("kubelet.service", "crio.service") and (unit.mask or unit.enabled is False):
            field = "mask" if unit.mask else "enabled"
            yield Finding(field, f"without {unit.name} the machine is no node of the cluster", f"take `{field}` away", on=unit)  # fmt: skip
