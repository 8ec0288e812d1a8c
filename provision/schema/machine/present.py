"""Whether a config sets up a service at all: a quick look, so that other configs need not load what is known of services."""

from provision.ignition import Config

# Units of services that rules know; what begins like the last ones is looked at more closely.
UNITS = frozenset(("fleet.service", "flanneld.service", "locksmithd.service"))
BEGINNINGS = ("etcd", "docker")
UPDATE_CONF = "/etc/coreos/update.conf"
FLEET_CONF = "/etc/fleet/fleet.conf"
FLANNEL_ENV = ("/run/flannel/options.env", "/etc/flannel/options.env")
DOCKER_JSON = "/etc/docker/daemon.json"
FILES = frozenset((UPDATE_CONF, FLEET_CONF, DOCKER_JSON, *FLANNEL_ENV))


def has_services(config: Config) -> bool:
    """Whether a config sets up any service that rules know."""
    return (
        any(is_known(unit.name) for unit in config.systemd.units)
        or any(file.path in FILES or is_placed(file.path) for file in config.storage.files)
        or any(is_known(link.path.rpartition("/")[2]) for link in config.storage.links)
    )


def is_known(name: str) -> bool:
    """Whether a unit's name is that of a service that rules know, or may be."""
    return name in UNITS or name.startswith(BEGINNINGS)


def is_placed(path: str) -> bool:
    """Whether a file is such a unit, or a drop-in of one."""
    _, found, name = path.partition("/systemd/system/")
    return bool(found) and is_known(name.partition(".d/")[0])
