"""Ignition 2 taken to Ignition 3.1: `translate` for a document, `upgrade` for records that another dialect made.

The meaning stays, not the letter: appended configs are merged, `create` is lifted to what replaced it, files get the path
that they have in the running system, entries that came one after another are joined to what they came to, networkd's units
become files. What can't be said in Ignition 3 is an error at the author's line; with `--lossy` it is a warning and is left
out. Source: Ignition 0.35, `config/v2_4` and `internal/exec`; Ignition 3.1.0.
"""

from provision.ignition import Config, Storage
from provision.record import spec
from provision.schema import ignition2 as old
from provision.transpile.author import Author
from provision.transpile.ignition2 import accounts, references, rules, storage_rules, units
from provision.transpile.ignition2.carrying import carried
from provision.transpile.ignition2.disks import disk, raid
from provision.transpile.ignition2.filesystems import Places, filesystems
from provision.transpile.ignition2.nodes import Nodes

__all__ = ["rules", "storage_rules", "translate", "upgrade"]


def translate(config: old.Config, author: Author) -> Config:
    """The config that a document of Ignition 2 stands for."""
    return upgrade(config, author)


def upgrade(config: old.Config, author: Author) -> Config:
    """Records of Ignition 2 as such of Ignition 3, every place kept.

    `ignition.version` says what unset fields mean. The rules of Ignition 2 (`schema.rules.check` with (2, 3) or whatever
    the version is) are not run here: a document's records are checked when it is read, and who makes records knows what
    he has checked himself.
    """
    named = config.ignition.version
    version = spec(named if named in old.VERSIONS else old.VERSIONS[-1])
    places = Places(config, author)
    storage, nodes = config.storage, Nodes(config, places, author, version)
    return carried(
        Config, config,
        ignition=references.section(config.ignition, author),
        passwd=accounts.section(config.passwd, author, version),
        storage=carried(
            Storage, storage,
            directories=nodes.directories,
            disks=tuple(disk(each, author, version) for each in storage.disks),
            files=nodes.files,
            filesystems=filesystems(config, places, author),
            links=nodes.links,
            raid=tuple(map(raid, storage.raid)),
        ),
        systemd=units.section(config.systemd, author),
    )  # fmt: skip
