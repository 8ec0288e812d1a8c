"""Butane's sugar: keys that stand for several things of Ignition's.

Each module has its keys, its checks and `expand`, which takes the config with its sugar keys and gives it with what they
stand for. `SUGARS` lists them in the order in which they are expanded; later ones see what earlier ones made.
"""

from collections.abc import Callable

from provision.ignition import Config
from provision.transpile.author import Author
from provision.transpile.butane import (
    boot_device,
    grub,
    modes,  # noqa: F401  # its rules are its all
    mount_unit,
    openshift,
    partitions,
    quadlets,
    resources,
    ssh_keys,
    trees,
    unit_files,
)

Sugar = Callable[[Config, Author], Config]

SUGARS: tuple[Sugar, ...] = (
    resources.expand,
    unit_files.expand,
    ssh_keys.expand,
    mount_unit.expand,
    trees.expand,
    quadlets.expand,
    boot_device.expand,
    partitions.expand,
    grub.expand,
    openshift.expand,
)
