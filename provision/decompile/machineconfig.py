"""The MachineConfig around an Ignition config, as Butane's openshift variant says it."""

import re
from collections.abc import Iterator
from pathlib import PurePath

from provision.decompile.releases import without_sugar
from provision.diagnostics import Diagnostic, declare
from provision.ignition import Config
from provision.record import Record
from provision.schema.dialects import EXTENSIONS
from provision.schema.machineconfig import MachineConfig
from provision.transpile.author import Author
from provision.transpile.butane.openshift import ROLE, Metadata, OpenShift
from provision.transpile.compile import Compiled

declare(
    "PV677", "warning", "left out of Butane",
    """Butane has keys for the name, the labels and four settings of a MachineConfig.

    Other metadata and images are left out of the document; a config that had no MachineConfig around it gets a name and
    a role, which its author has to look at. Source: Butane 0.29, "OpenShift Specification".
    """,
)  # fmt: skip

# What the name of an object cannot have, and its length. Source: Kubernetes, "Object Names and IDs".
NO_NAME = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 253
METADATA = frozenset(("name", "labels"))
SPEC = frozenset(("config", *OpenShift.rows))


def as_openshift(compiled: Compiled, author: Author) -> tuple[Config, list[Diagnostic]]:
    """The config with `metadata` and `openshift`, and what is left out of them."""
    root, config = compiled.root, compiled.config
    assert config is not None, "a document without errors has a config"
    if isinstance(root, MachineConfig):
        from provision.transpile.machineconfig import ignition_of

        return with_object(ignition_of(root.spec, author), root), list(left_out(root, author))
    metadata, openshift = config.extra("metadata"), config.extra("openshift")
    if metadata is not None:
        return with_sections(config, metadata, openshift), []
    stem = NO_NAME.sub("-", PurePath(author.document.file.strip("<>")).stem.lower()).strip("-")
    made = Metadata(name=f"99-worker-{stem or 'config'}"[:LONGEST_NAME].strip("-"), labels={ROLE: "worker"}).at(
        config.origin
    )
    said = f"a MachineConfig needs a name and a role: this one is called {made.name} and is for the role worker"
    found = author.document.diagnostic(config.origin, "PV677", "warning", said, "change both in the document")
    return with_sections(config, made, None), [found]


def with_object(config: Config, root: MachineConfig) -> Config:
    """The config with what the MachineConfig around it says."""
    labels = root.metadata.labels
    metadata = Metadata(name=root.metadata.name, labels=labels).at(root.metadata.origin)
    spec = root.spec
    given = {name: value for name in OpenShift.rows if (value := getattr(spec, name)) not in (None, ())}
    places = {name: spec.spot(name) for name in given}
    openshift = OpenShift(**given).at(spec.origin, **places)
    return with_sections(config, metadata, openshift if given else None)


def with_sections(config: Config, metadata: Metadata, openshift: OpenShift | None) -> Config:
    """The config without sugar but these."""
    rows = EXTENSIONS[Config]
    sections = {"metadata": metadata, "openshift": openshift}
    extras = {name: (rows[name], value) for name, value in sections.items() if value is not None}
    return without_sugar(config).changed(_extras=extras)


def left_out(root: MachineConfig, author: Author) -> Iterator[Diagnostic]:
    """What Butane has no key for, where it says something."""
    parts: tuple[tuple[Record, frozenset[str]], ...] = ((root.metadata, METADATA), (root.spec, SPEC))
    for record, kept in parts:
        for row, value in record.given():
            if row.name not in kept and value not in (None, (), ""):
                said = f"Butane has no key for `{row.key}`; it is left out"
                yield author.document.diagnostic(author.place(record, row.name), "PV677", "warning", said)
