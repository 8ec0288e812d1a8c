"""Container Linux Config to Ignition: first to Ignition 2.3, as ct does, then up to Ignition 3.

Each module translates some sections and holds the checks that are theirs; what Ignition 2 and 3 have in common with them
is checked there.
"""

from provision.diagnostics import declare
from provision.ignition import Config
from provision.schema import ignition2
from provision.schema.clc import ContainerLinuxConfig
from provision.transpile.author import Author
from provision.transpile.clc import (
    disks,
    docker,
    dynamic_data,
    etcd,
    files,
    flannel,
    metadata,
    references,
    target,
    update,
    users,
)
from provision.transpile.ignition2 import upgrade

declare(
    "PV694", "info", "section without effect",
    """A section that shall set up a service is not empty.

    `etcd:` without anything sets up nothing; `etcd: {}` sets up the service with its defaults. Source: ct 0.9, which took
    `etcd: ~` for the latter and `etcd:` for the former.

    Bad:
        # Container Linux Config
        docker:

    Good:
        # Container Linux Config
        docker: {}
    """,
)  # fmt: skip


def translate(root: ContainerLinuxConfig, author: Author) -> Config:
    """The config in Ignition 3."""
    if root.version:
        message = f"there is no version {root.version}; 0 is the only one"
        author.complain("PV202", "error", root, "version", message, "take the key away")
    dynamic_data.check_platform(root, author)
    target.check(root, author)
    for name in ("etcd", "flannel", "docker", "update", "locksmith"):
        if getattr(root, name) is None and author.place(root, name) is not root.origin:
            author.complain(
                "PV694", "info", root, name, f"`{name}:` without anything sets up nothing",
                f"write `{name}: {{}}` to set it up with its defaults, or take it away",
            )  # fmt: skip
    config = ignition2.Config(
        ignition=references.section(root.ignition, author),
        networkd=root.networkd,
        passwd=users.section(root.passwd, author),
        storage=storage(root, author),
        systemd=root.systemd.changed(units=(*service_units(root, author), *root.systemd.units)),
    )
    return upgrade(references.in_place(config, root), author)


def service_units(root: ContainerLinuxConfig, author: Author) -> list[ignition2.Unit]:
    """The units of the services, in ct's order."""
    units = [
        docker.unit(root.docker, author) if root.docker else None,
        etcd.unit(root.etcd, author) if root.etcd else None,
        flannel.unit(root.flannel, author) if root.flannel else None,
    ]
    return [*metadata.units(root, author), *(unit for unit in units if unit is not None)]


def storage(root: ContainerLinuxConfig, author: Author) -> ignition2.Storage:
    """The section in Ignition 2, with the files of other sections."""
    given, settings = root.storage, update.file(root, author)
    nodes = files.Nodes(given, author)
    return references.recast(
        ignition2.Storage, given,
        directories=nodes.directories,
        disks=tuple(disks.disk(each, author) for each in given.disks),
        files=(*nodes.files, *([settings] if settings else [])),
        links=nodes.links,
    )  # fmt: skip
