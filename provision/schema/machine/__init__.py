"""Rules about the machine that a config makes: its units, networks and services, and how they fit together.

They look at the records of the Ignition config, so that they serve every dialect, and speak of what Ignition itself takes
without a word. An author wants to hear of it, a machine that boots does not: the applier never loads them.
"""

from collections.abc import Iterator
from importlib import import_module

from provision.ignition import Config
from provision.record import Spec
from provision.schema.machine.present import has_services
from provision.schema.rules import Violation, check

# Each module registers its rules when it is imported; the order is that of the pages.
MODULES = (
    "unit_contents",
    "commands",
    "containers",
    "characters",
    "mounts",
    "timers",
    "published",
    "networkd",
    "system_files",
    "fleet",
    "fleet_set",
    "secrets",
    "ssh_keys",
    "cluster",
)
# Rules about services; only a config that sets one up pays for them.
SERVICE_MODULES = (
    "bootstrap",
    "discovery",
    "advertised",
    "proxy",
    "etcd_versions",
    "started",
    "clients",
    "fleetd",
    "flannel",
    "updates",
    "docker",
)


def load() -> None:
    """Import every module of rules, so that the registry is whole."""
    for name in MODULES:
        import_module(f"provision.schema.machine.{name}")


def load_services() -> None:
    """Import every module of rules about services."""
    for name in SERVICE_MODULES:
        import_module(f"provision.schema.machine.{name}")


def check_services(config: Config, spec: Spec) -> Iterator[Violation]:
    """What the rules find in the services that a config sets up: etcd, fleet, flannel, locksmith, docker."""
    if not has_services(config):
        return
    from provision.schema.machine.reading import read_host

    load_services()
    host = read_host(config)
    for record in (host, *host.services):
        yield from check(record, spec)
