"""OpenShift's MachineConfig and MachineConfigPool as records, with what Kubernetes knows of every object.

What lies in `spec.config` is an Ignition config of its own version; a release of this dialect is that version, so that
one view shows both. Which kinds and versions there are is said here as data. Source: machine-config-operator 4.20,
`github.com/openshift/api`, `machineconfiguration/v1/types.go`.
"""

from provision.ignition import Config
from provision.record import Record, field

GROUP = "machineconfiguration.openshift.io"
API_VERSION = f"{GROUP}/v1"
ROLE = f"{GROUP}/role"
GENERATED_BY = f"{GROUP}/generated-by-controller-version"

# Ignition specs that some cluster's operator takes, each with the first version of the cluster that does.
# Source: machine-config-operator, `pkg/controller/common/helpers.go`, by release branch.
CLUSTERS: dict[str, str] = {
    "2.2.0": "4.1", "3.0.0": "4.6", "3.1.0": "4.6", "3.2.0": "4.7", "3.3.0": "4.14", "3.4.0": "4.14", "3.5.0": "4.19",
}  # fmt: skip

# What may be added to the operating system, with the first version of the cluster that knows it.
# Source: machine-config-operator, `SupportedExtensions` in `pkg/controller/common/helpers.go`, by release branch.
EXTENSIONS: dict[str, str] = {
    "kernel-devel": "4.6", "usbguard": "4.6", "sandboxed-containers": "4.8", "kerberos": "4.11", "ipsec": "4.14",
    "wasm": "4.14", "sysstat": "4.18", "two-node-ha": "4.19",
}  # fmt: skip
KERNEL_TYPES = ("", "default", "realtime", "64k-pages")


class Part(Record):
    """A part of an object of Kubernetes, which takes a key only as it is spelt."""

    folds = False


class OwnerReference(Part):
    """The object that made this one: `metadata.ownerReferences[]`."""

    api_version: str = field(doc="API group and version of the owner.")
    block_owner_deletion: bool | None = field(default=None, doc="Whether the owner waits for this object's end.")
    controller: bool | None = field(default=None, doc="Whether the owner manages this object.")
    kind: str = field(doc="Kind of the owner.")
    name: str = field(doc="Name of the owner.")
    uid: str = field(doc="Id of the owner.")


class ObjectMeta(Part):
    """What Kubernetes knows of the object: `metadata`."""

    annotations: dict[str, str] | None = field(default=None, doc="Notes of tools and people.")
    creation_timestamp: str | None = field(default=None, doc="When the cluster made it; the cluster writes this.")
    deletion_grace_period_seconds: int | None = field(default=None, doc="The cluster writes this.")
    deletion_timestamp: str | None = field(default=None, doc="The cluster writes this.")
    finalizers: tuple[str, ...] = field(default=(), doc="What must happen before the object is gone.")
    generate_name: str | None = field(default=None, doc="Beginning of a name that the cluster completes.")
    generation: int | None = field(default=None, doc="The cluster counts changes here.")
    labels: dict[str, str] | None = field(default=None, doc=f"Labels; {ROLE} says which pool takes the config.")
    managed_fields: object | None = field(default=None, doc="Who wrote which field; the cluster writes this.")
    name: str = field(required="1.0", keep=True, doc="Name of the object, for example 99-worker-chrony.")
    namespace: str | None = field(default=None, doc="Not for these objects, which belong to the whole cluster.")
    owner_references: tuple[OwnerReference, ...] = field(default=(), doc="The objects that made this one.")
    resource_version: str | None = field(default=None, doc="The cluster writes this.")
    self_link: str | None = field(default=None, doc="Old clusters write this.")
    uid: str | None = field(default=None, doc="The cluster writes this.")


class MachineConfigSpec(Part):
    """What the machines of a pool get: `spec`."""

    base_os_extensions_container_image: str | None = field(
        "baseOSExtensionsContainerImage", default=None, doc="Image with the extensions; left to the operator."
    )
    config: Config | None = field(default=None, doc="An Ignition config, as an object.")
    extensions: tuple[str, ...] = field(default=(), doc="Extensions of the operating system, from the operator's list.")
    fips: bool | None = field(default=None, doc="Run in FIPS mode; only at the installation.")
    kernel_arguments: tuple[str, ...] = field(default=(), doc="Arguments to add to the kernel command line.")
    kernel_type: str | None = field(default=None, doc="default, realtime or 64k-pages.")
    os_image_url: str | None = field("osImageURL", default=None, doc="Image of the system; left to the operator.")


class MachineConfig(Part):
    """A MachineConfig whose Ignition config is of version 3."""

    api_version: str = field(required="1.0", keep=True, doc=f"Always {API_VERSION}.")
    kind: str = field(required="1.0", keep=True, doc="Always MachineConfig.")
    metadata: ObjectMeta = field(factory=ObjectMeta, required="1.0", doc="Name and labels.")
    spec: MachineConfigSpec = field(factory=MachineConfigSpec, doc="What the machines get.")


# ---- pools ------------------------------------------------------------------------------------------------------


class Requirement(Part):
    """One condition on labels: `matchExpressions[]`."""

    key: str = field(required="1.0", keep=True, doc="The label.")
    operator: str = field(required="1.0", keep=True, doc="In, NotIn, Exists or DoesNotExist.")
    values: tuple[str, ...] = field(default=(), doc="What In and NotIn compare with.")


class LabelSelector(Part):
    """Which objects are meant, by their labels; all conditions have to hold."""

    match_expressions: tuple[Requirement, ...] = field(default=(), doc="Conditions on labels.")
    match_labels: dict[str, str] | None = field(default=None, doc="Labels with their values.")


class MachineConfigPoolSpec(Part):
    """Which machines a pool has and which configs they get: `spec`."""

    configuration: object | None = field(default=None, doc="The rendered config; the operator writes this.")
    machine_config_selector: LabelSelector | None = field(default=None, doc="The MachineConfigs of the pool.")
    max_unavailable: object | None = field(
        default=None, doc="Machines that update at a time: a number or a percentage."
    )
    node_selector: LabelSelector | None = field(default=None, doc="The machines of the pool.")
    os_image_stream: object | None = field(default=None, doc="The stream of images that the pool follows.")
    paused: bool | None = field(default=None, doc="Roll nothing out.")
    pinned_image_sets: object | None = field(default=None, doc="Images that stay on the machines.")


class MachineConfigPool(Part):
    """A MachineConfigPool: machines that have one rendered config."""

    api_version: str = field(required="1.0", keep=True, doc=f"Always {API_VERSION}.")
    kind: str = field(required="1.0", keep=True, doc="Always MachineConfigPool.")
    metadata: ObjectMeta = field(factory=ObjectMeta, required="1.0", doc="Name and labels.")
    spec: MachineConfigPoolSpec = field(factory=MachineConfigPoolSpec, doc="Machines and configs of the pool.")
    status: object | None = field(default=None, doc="How far the pool is; the operator writes this.")
