"""Reads from an Ignition config which services it sets up, and with what options.

A service gets options from `Environment=` lines, from files that `EnvironmentFile=` names, from flags of its program, and
from files that it reads itself. Source: systemd.exec(5); the vendor units in coreos-overlay, of Debian and of Fedora.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from provision.ignition import Config, Unit
from provision.schema.etcd_options import BY_VARIABLE, OPTIONS_0_4, Version
from provision.schema.fleet_options import FLANNEL, FLEET, KUBE_SUBNET_MGR, LOCKSMITH, UPDATE, ServiceOption
from provision.schema.machine.file_text import text_of
from provision.schema.machine.placed import all_units, started_units
from provision.schema.machine.present import FLANNEL_ENV, FLEET_CONF, UPDATE_CONF
from provision.schema.machine.services import (
    Docker,
    Etcd,
    Flannel,
    Fleet,
    Host,
    Locksmith,
    Service,
    Setting,
    Source,
)
from provision.schema.machine.settings import Part, Texts, environment_of, expanded, file_settings, flags_of
from provision.schema.machine.texts import text_of as unit_text
from provision.units import UnitFile, overlaid, split_words

# Units of the vendors, with the files that these read by themselves (a `-` says that they read variables from it).
ETCD_UNITS: dict[str, tuple[str, ...]] = {
    "etcd.service": ("/etc/etcd/etcd.conf", "/etc/default/etcd"), "etcd2.service": (), "etcd-member.service": (),
}  # fmt: skip
OTHER_UNITS: dict[str, type[Service]] = {
    "fleet.service": Fleet, "flanneld.service": Flannel, "locksmithd.service": Locksmith, "docker.service": Docker,
}  # fmt: skip
ETCD_NAME = re.compile(r"etcd[\w.@-]*\.service")
IMAGE = re.compile(r"(?:[\w.:-]+/)*etcd(?::v?(?P<version>[\w.-]+)|@sha256:\w+)?")
PROGRAMS = frozenset(("etcd", "etcd2", "etcd-wrapper"))


def read_host(config: Config) -> Host:
    """The machine that a config makes."""
    texts = {file.path: (file, text) for file in config.storage.files if (text := text_of(file)) is not None}
    units = all_units(config, texts)
    started = started_units(config, units)
    for name, by in started.items():
        if name not in units and (name in OTHER_UNITS or name in ETCD_UNITS):
            units[name] = Unit(name=name).at(by.origin)
    services = [service for unit in units.values() if (service := read_service(unit, texts, unit.name in started))]
    services += file_services(units, texts, frozenset(started))
    return Host(config, tuple(services), units, frozenset(started))


def read_service(unit: Unit, texts: Texts, started: bool) -> Service | None:
    """The service that a unit is, None for one of another kind, or one that is masked."""
    kind = OTHER_UNITS.get(unit.name)
    if unit.mask or unit.broken or (kind is None and not ETCD_NAME.fullmatch(unit.name)):
        return None
    dropins = sorted((dropin for dropin in unit.dropins if dropin.contents), key=lambda dropin: dropin.name)
    parts: tuple[Part, ...] = (unit, *dropins)
    text = overlaid(tuple(map(unit_text, parts)))
    if kind is None:
        return read_etcd(unit, parts, text, texts, started)
    environment, whole = environment_of(parts, text, texts)
    source = Source(unit, parts, text, {}, {}, started, whole)
    return READERS[kind](source, environment, texts)


def read_etcd(unit: Unit, parts: tuple[Part, ...], text: UnitFile, texts: Texts, started: bool) -> Etcd | None:
    """An etcd, if the unit runs one."""
    environment, whole = environment_of(parts, text, texts)
    command = text.last("Service", "ExecStart")
    words = expanded(split_words(command.value), environment) if command else []
    first = first_argument(words) if command else 0
    if (first is None or not command) and unit.name not in ETCD_UNITS:
        return None
    for path in ETCD_UNITS.get(unit.name, ()):
        if path in texts:
            environment = {**environment, **file_settings(*texts[path])}
    settings = {
        key: setting._replace(key=key)
        for variable, setting in environment.items()
        if variable.startswith("ETCD_") and variable not in NO_OPTIONS
        for key in [BY_VARIABLE[variable].key if variable in BY_VARIABLE else variable[5:].lower()]
    }
    flags = flags_of(parts, command, words[first:], "ETCD_") if command and first is not None else {}
    shadowed = {key: setting for key, setting in settings.items() if key in flags}
    whole = whole and first is not None and "config_file" not in flags and "config_file" not in settings
    version = version_of(unit, words, environment, {**settings, **flags})
    return Etcd(Source(unit, parts, text, {**settings, **flags}, shadowed, started, whole, version))


# Variables of etcd's units that are no options of etcd.
NO_OPTIONS = frozenset((
    "ETCD_IMAGE", "ETCD_IMAGE_TAG", "ETCD_IMAGE_URL", "ETCD_IMAGE_ARGS", "ETCD_USER", "ETCD_OPTS", "ETCD_SSL_DIR",
    "ETCD_VERSION", "ETCD_VER", "ETCD_UNSUPPORTED_ARCH", "ETCD_EXEC",
))  # fmt: skip


def version_of(
    unit: Unit, words: list[str], environment: Mapping[str, Setting], settings: Mapping[str, Setting]
) -> Version | None:
    """Which etcd it is: by its image, else by its unit and the options that it gets."""
    tag = environment.get("ETCD_IMAGE_TAG") or environment.get("ETCD_VERSION") or environment.get("ETCD_VER")
    images = [found["version"] for word in words if (found := IMAGE.fullmatch(word)) and found["version"]]
    for text in (tag.value if tag else None, *images):
        found = re.match(r"v?(\d{1,4})\.(\d{1,4})(?!\d)", text or "")
        if found:
            return int(found[1]), int(found[2])
    if unit.name == "etcd2.service":
        return 2, 3
    cloudinit = any(dropin.name == "20-cloudinit.conf" for dropin in unit.dropins)
    oldest = any(key in OPTIONS_0_4 and key != "snapshot_count" for key in settings)
    return (0, 4) if unit.name == "etcd.service" and not unit.contents and (cloudinit or oldest) else None


def first_argument(words: list[str]) -> int | None:
    """Where the flags of etcd start in a command line, be it of a container; None where no etcd is run."""
    if words and words[0].lstrip("-@:+!").rpartition("/")[2] in PROGRAMS:
        return 1
    for at, word in enumerate(words):
        image = "/" in word and not word.startswith(("-", "/")) and IMAGE.fullmatch(word)
        if image or (at and re.fullmatch(r"/usr/(local/)?s?bin/etcd|/opt/\S*/etcd", word)):
            following = words[at + 1] if at + 1 < len(words) else "-"
            if following.rpartition("/")[2] in PROGRAMS:
                return at + 2
            return at + 1 if following.startswith("-") else None
    return None


# ---- the other services -----------------------------------------------------------------------------------------


@cache
def keys_of(prefix: str) -> dict[str, str]:
    """The keys of a service's options by their variables, or by their flags."""
    tables: dict[str, tuple[ServiceOption, ...]] = {
        "FLEET_": FLEET, "FLANNELD_": (*FLANNEL, KUBE_SUBNET_MGR), "LOCKSMITHD_": LOCKSMITH,
    }  # fmt: skip
    table = tables[prefix]
    found = {option.variable: option.key for option in table}
    found |= {option.ct_variable: option.key for option in table if option.ct_variable}
    found |= {option.flag.replace("-", "_"): option.key for option in table if option.flag}
    return found


def named(environment: Mapping[str, Setting], keys: Mapping[str, str]) -> dict[str, Setting]:
    """Settings under their keys."""
    return {keys[name]: setting._replace(key=keys[name]) for name, setting in environment.items() if name in keys}


def read_fleet(source: Source, environment: dict[str, Setting], texts: Texts) -> Service:
    """fleet: variables win over its file."""
    conf = file_settings(*texts[FLEET_CONF]) if FLEET_CONF in texts else {}
    own = {option.key for option in FLEET}
    settings = {name: setting for name, setting in conf.items() if name in own}
    return Fleet(source._replace(settings={**settings, **named(environment, keys_of("FLEET_"))}))


def read_flannel(source: Source, environment: dict[str, Setting], texts: Texts) -> Service:
    """flannel: variables, and flags in its command."""
    for path in FLANNEL_ENV:
        if path in texts:
            environment = {**environment, **file_settings(*texts[path])}
    command = source.text.last("Service", "ExecStart")
    words = expanded(split_words(command.value), environment) if command else []
    flags = flags_of(source.parts, command, words, "FLANNELD_") if command else {}
    keys = keys_of("FLANNELD_")
    return Flannel(source._replace(settings={**named(environment, keys), **named(flags, keys)}))


def read_locksmith(source: Source, environment: dict[str, Setting], texts: Texts) -> Service:
    """locksmith, with what its file shares with update-engine."""
    conf = file_settings(*texts[UPDATE_CONF]) if UPDATE_CONF in texts else {}
    update = {option.variable: f"update_{option.key}" for option in UPDATE}
    everything = {**environment, **conf}
    settings = {**named(everything, keys_of("LOCKSMITHD_")), **named(everything, update)}
    return Locksmith(source._replace(settings=settings), texts[UPDATE_CONF][1] if UPDATE_CONF in texts else "")


def read_docker(source: Source, environment: dict[str, Setting], texts: Texts) -> Service:
    """docker: its variables as they are."""
    return Docker(source._replace(settings=environment))


READERS = {Fleet: read_fleet, Flannel: read_flannel, Locksmith: read_locksmith, Docker: read_docker}


def file_services(units: Mapping[str, Unit], texts: Texts, started: frozenset[str]) -> Iterator[Service]:
    """The services that only a file of theirs tells of."""
    for path, name in ((UPDATE_CONF, "locksmithd.service"), (FLEET_CONF, "fleet.service")):
        if path in texts and (name not in units or units[name].mask):
            unit = Unit(name=name, mask=units[name].mask if name in units else None).at(texts[path][0].origin)
            yield READERS[OTHER_UNITS[name]](
                Source(unit, (unit,), UnitFile(), {}, {}, name in started, True), {}, texts
            )
