"""A MachineConfig's Ignition config, as far as it says what the machine gets.

What the operator does itself, such as extensions, no Ignition config can say: `losses` tells of it. `render` merges all
the MachineConfigs of a pool. Rules of MachineConfigs and pools are in the other modules.
"""

from collections.abc import Iterator

from provision.diagnostics import Diagnostic, declare
from provision.ignition import Config, KernelArguments
from provision.record import Record, Spec, merge
from provision.schema.machineconfig import MachineConfig, MachineConfigPool, MachineConfigSpec
from provision.transpile.author import Author
from provision.transpile.machineconfig import advice, files, pools, rules  # noqa: F401  # for their rules
from provision.transpile.machineconfig.objects import words_of

declare(
    "PV757", "warning", "left to the operator",
    """Extensions, kernel type, FIPS mode and images are the operator's business: an Ignition config can't carry them.

    `provision transpile` writes the Ignition config of a MachineConfig. What the operator of the cluster applies itself
    is left out. Source: machine-config-operator, `docs/MachineConfig.md`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-usb
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          extensions: [usbguard]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-usb
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [usbcore.authorized_default=0]
    """,
)  # fmt: skip

ARGUMENTS_SINCE: Spec = (3, 3)
# Fields that only the operator applies, and their values that ask for nothing.
OPERATORS_FIELDS: dict[str, tuple[object, ...]] = {
    "extensions": ((),),
    "fips": (None, False),
    "kernel_type": (None, "", "default"),
    "os_image_url": (None, ""),
    "base_os_extensions_container_image": (None, ""),
}


def translate(root: MachineConfig, author: Author) -> Config:
    """The Ignition config of a MachineConfig, with its kernel arguments."""
    for name in lost_fields(root.spec):
        author.fate(root.spec, name, "lost", "applied by the cluster's operator")
    return with_kernel_arguments(ignition_of(root.spec, author), root.spec, author)


def no_config(pool: MachineConfigPool, author: Author) -> Config:
    """The Ignition config of a pool: none of its own."""
    return Config().at(pool.origin)


def ignition_of(spec: MachineConfigSpec, author: Author) -> Config:
    """The config in `spec.config`, as Ignition 3."""
    config: Record | None = spec.config
    if config is None:
        return Config().at(spec.origin)
    if isinstance(config, Config):
        return config
    from provision.schema.ignition2 import Config as Config2
    from provision.transpile.ignition2 import upgrade

    return upgrade(config, author) if isinstance(config, Config2) else Config().at(spec.origin)


def with_kernel_arguments(config: Config, spec: MachineConfigSpec, author: Author) -> Config:
    """The config with the MachineConfig's own kernel arguments, in a spec that has them."""
    words = {word: author.place(spec, "kernel_arguments", at) for word, at in words_of(spec.kernel_arguments)}
    if not words:
        return config
    author.spec = max(author.spec, ARGUMENTS_SINCE)
    places = tuple(words.values())
    own = KernelArguments(should_exist=tuple(words)).at(author.place(spec, "kernel_arguments"), should_exist=places)
    return config.changed(kernel_arguments=merge(own, config.kernel_arguments))


def lost_fields(spec: MachineConfigSpec) -> Iterator[str]:
    """The fields with something in them that Ignition can't carry."""
    for name, nothing in OPERATORS_FIELDS.items():
        if getattr(spec, name) not in nothing:
            yield name


def losses(root: MachineConfig, author: Author) -> list[Diagnostic]:
    """What the Ignition config leaves out, as warnings."""
    return [
        author.document.diagnostic(
            author.place(root.spec, name), "PV757", "warning",
            f"`{root.spec.rows[name].key}` is applied by the cluster's operator and left out of the Ignition config",
        )
        for name in lost_fields(root.spec)
    ]  # fmt: skip
