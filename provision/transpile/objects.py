"""Files of Kubernetes objects: which are ours, what release each is of, and what they are to each other.

A file may hold several, as documents or as the items of a List. All that concerns one MachineConfig or one pool is in
`transpile.machineconfig`.
"""

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from provision.diagnostics import Diagnostic, declare
from provision.document import Document
from provision.document.nodes import child, text_of
from provision.document.yaml_reader import is_object
from provision.record import Record
from provision.transpile.author import Author
from provision.versions import BY_NAME, Release, newest, releases_of

declare(
    "PV755", "error", "no single config",
    """A file that is transpiled or applied has one config.

    The MachineConfigs of a pool become one by `provision merge --machineconfig`. Source: machine-config-operator,
    `docs/MachineConfigController.md`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-swap
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1]
        ---
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 60-worker-console
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [console=ttyS0]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-arguments
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          kernelArguments: [swapaccount=1, console=ttyS0]
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV756", "info", "object of another kind",
    """Kubernetes objects of other kinds are left alone.

    Only MachineConfigs and MachineConfigPools say what is on a machine.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: KubeletConfig
        metadata:
          name: max-pods
        spec:
          kubeletConfig: {maxPods: 100}
        ---
        apiVersion: machineconfiguration.openshift.io/v1
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
    """, silenceable=False,
)  # fmt: skip

API = "machineconfiguration.openshift.io/"
LISTS = ("List", "MachineConfigList", "MachineConfigPoolList")


def kind_of(root: object) -> str:
    """The kind of an object; empty where it says none."""
    return text_of(child(root, "kind")) or ""


def is_ours(root: object) -> bool:
    """Whether a document is an object of OpenShift's machine configuration, or a list that may hold some."""
    api, kind = text_of(child(root, "apiVersion")) or "", kind_of(root)
    return api.startswith(API) or kind in ("MachineConfig", "MachineConfigPool") or (kind in LISTS and bool(api))


def objects_in(document: Document) -> list[Document]:
    """The objects of a file that has several, or a List of them, each as a document; none of any other file."""
    roots = [] if document.root is None else [document.root, *document.more]
    if len(roots) < 2 and not (is_object(document.root) and kind_of(document.root) in LISTS):
        return []
    return document.parts([item for root in roots for item in items_of(root)])


def items_of(root: Node) -> list[Node]:
    """The items of a List; any other object is itself."""
    items = child(root, "items") if kind_of(root) in LISTS else None
    return items.value if isinstance(items, SequenceNode) and items.value else [root]


def release_of(document: Document) -> Release | Diagnostic:
    """The release of an object: of a MachineConfig it is the version of the Ignition config in it."""
    kind = kind_of(document.root)
    if kind == "MachineConfig":
        return release_of_config(document)
    if kind == "MachineConfigPool":
        return BY_NAME["machineconfigpool", ""]
    said = f"an object of the kind {kind} is not looked at" if kind else "an object without a kind is not looked at"
    return document.diagnostic(child(document.root, "kind") or document.root, "PV756", "info", said)


def release_of_config(document: Document) -> Release | Diagnostic:
    """The release of a MachineConfig; without an Ignition config it is the newest."""
    config = child(child(document.root, "spec"), "config")
    if not isinstance(config, MappingNode) or not config.value:
        return newest("machineconfig")
    place = child(child(config, "ignition"), "version")
    version = text_of(place)
    if version is None:
        hint = f"add `ignition: {{version: {newest('machineconfig').version}}}`, or what the cluster takes"
        said = "no `ignition.version` says which spec the config of this MachineConfig is written in"
        return document.diagnostic(place or child(config, "ignition") or config, "PV201", "error", said, hint)
    found = BY_NAME.get(("machineconfig", version)) or BY_NAME.get(("machineconfig2", version))
    return found or unknown_spec(document, place, version)


def unknown_spec(document: Document, place: object, version: str) -> Diagnostic:
    """A version of Ignition that no cluster takes."""
    from provision.schema.machineconfig import CLUSTERS

    known = [row.version for dialect in ("machineconfig2", "machineconfig") for row in releases_of(dialect)]
    hint = f"known, with the first cluster that takes it: {', '.join(f'{each} ({CLUSTERS[each]})' for each in known)}"
    if f"{version}.0" in known:
        hint = f"write all three numbers: {version}.0"
    return document.diagnostic(place, "PV202", "error", f"no MachineConfig has an Ignition config {version}", hint)


def no_single_config(document: Document, names: list[str]) -> Diagnostic:
    """Why a file has no one config to write."""
    if not names:
        return document.diagnostic(None, "PV755", "error", "no object in this file is a MachineConfig")
    said = f"this file has {len(names)} MachineConfigs: {', '.join(names)}"
    hint = "`provision merge --machineconfig` makes one of those of a pool; or put each into a file of its own"
    return document.diagnostic(None, "PV755", "error", said, hint)


def name_of(root: Record | None) -> str:
    """The name of an object."""
    from provision.schema.machineconfig import MachineConfig

    return root.metadata.name if isinstance(root, MachineConfig) else ""


def left_out(root: Record | None, author: Author) -> list[Diagnostic]:
    """What of an object no Ignition config can carry."""
    from provision.schema.machineconfig import MachineConfig
    from provision.transpile.machineconfig import losses

    if isinstance(root, MachineConfig):
        return losses(root, author)
    return [] if author.document.part is not None else [no_single_config(author.document, [])]


def compare(found: list[tuple[Record, Author]]) -> None:
    """Check the objects of a file against each other."""
    from provision.transpile.machineconfig.together import check_together

    check_together(found)
