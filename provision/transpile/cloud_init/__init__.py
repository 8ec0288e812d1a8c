"""Canonical's cloud-init user-data comes down to an Ignition config.

A family of keys has a module; `FAMILIES` lists them in the order in which cloud-init's modules run, so that what is
written later wins. What Ignition can't say is done by oneshot services (`build.Build.step`), in cloud-init's order.
Source: cloud-init 25.
"""

from collections.abc import Callable

from provision.ignition import Config
from provision.record import Record
from provision.schema.cloud_init import UserData
from provision.transpile.author import Author
from provision.transpile.cloud_init import (
    accounts,
    codes,  # noqa: F401  # declares what the families say
    commands,
    disks,
    files,
    final,
    mounts,
    names,
    network,
    packages,
    passwords,
    refused,
    scripts,
    settings,
    ssh,
    swap,
)
from provision.transpile.cloud_init.build import Build
from provision.transpile.cloud_init.targets import SYSTEMS

FAMILIES: tuple[Callable[[Build], None], ...] = (
    refused.refused,
    files.write_files,
    disks.disks,
    mounts.mounts,
    swap.swap,
    names.names,
    network.network,
    settings.settings,
    accounts.accounts,
    ssh.ssh_keys,
    passwords.passwords,
    packages.packages,
    files.deferred_files,
    commands.commands,
    scripts.scripts,
    final.final,
)


def without_broken(root: UserData) -> UserData:
    """The document without the sections that could not be read in full: that was told, and more would only follow from it."""
    broken = [row.name for row, value in root.given() if isinstance(value, Record) and value.broken]
    return root.changed(**dict.fromkeys(broken)) if broken else root


def translate(root: UserData, author: Author) -> Config:
    """The config that a user-data document stands for."""
    build = Build(without_broken(root), author)
    wanted = author.options.target_os
    if wanted is not None and wanted not in SYSTEMS:
        said = f"no system is called {wanted}; known to --target-os are {', '.join(SYSTEMS)}"
        author.complain("PV733", "error", root, None, said)
    for family in FAMILIES:
        family(build)
    return build.config()
