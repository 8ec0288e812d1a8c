"""MachineConfigs with an Ignition config of version 2.2, as the operator still takes them.

It turns them into Ignition 3 with a converter that knows less than `transpile.ignition2`. Source: machine-config-operator,
`convertIgnition2to3` in `pkg/controller/common/helpers.go`; ign-converter, `translate/v23tov30`.
"""

from collections.abc import Iterator

from provision.ignition import Config
from provision.schema import ignition2 as old
from provision.schema.machineconfig2 import MachineConfig2, MachineConfigSpec2
from provision.schema.rules import Finding, rule
from provision.transpile import machineconfig
from provision.transpile.author import Author

ROOT = "root"


def translate(root: MachineConfig2, author: Author) -> Config:
    """The Ignition config of a MachineConfig, with its kernel arguments."""
    return machineconfig.translate(root, author)


@rule("PV772", "error", on=MachineConfigSpec2)
def old_config_can_be_converted(spec: MachineConfigSpec2) -> Iterator[Finding]:
    """A config of Ignition 2.2 has only what the operator converts: files of the root file system, none appended to.

    It refuses file systems of other names, files that append, and networkd units. Ignition 3 has all of these in other
    words. Source: machine-config-operator, `convertIgnition2to3`.

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
              version: 2.2.0
            storage:
              files:
                - filesystem: root
                  path: /etc/motd
                  mode: 420
                  append: true
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
              version: 2.2.0
            storage:
              files:
                - filesystem: root
                  path: /etc/motd
                  mode: 420
                  contents:
                    source: data:,hello
    """
    config = spec.config or old.Config()
    storage = config.storage
    hint = "write the config in Ignition 3"
    for node in (*storage.files, *storage.directories, *storage.links):
        if node.filesystem not in ("", ROOT):
            yield Finding("filesystem", f"the operator knows no file system `{node.filesystem}`", hint, on=node)
        if isinstance(node, old.File) and node.append:
            yield Finding("append", "the operator takes no file that appends", "give the whole content", on=node)
    for filesystem in storage.filesystems:
        if filesystem.name != ROOT:
            yield Finding(None, "the operator makes no file systems of a 2.2 config", hint, on=filesystem)
    for unit in config.networkd.units:
        yield Finding("name", "the operator takes no networkd units", "write a file of NetworkManager", on=unit)
