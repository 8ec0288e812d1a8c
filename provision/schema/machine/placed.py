"""Units and drop-ins that a config writes as plain files, and what it starts by links. Source: systemd.unit(5), "Unit File Load Path"."""

import re
from collections.abc import Mapping

from provision.ignition import Config, Dropin, File, Unit
from provision.record import Record
from provision.units import parse

PLACED = re.compile(r"/(?:etc|run|usr/local/lib)/systemd/system/(?P<unit>[^/]+?\.\w+)(?:\.d/(?P<dropin>[^/]+\.conf))?")
STARTS = ("Wants", "Requires", "BindsTo")


def all_units(config: Config, texts: Mapping[str, tuple[File, str]]) -> dict[str, Unit]:
    """The units of a config by their names, with those and the drop-ins that it writes as files."""
    units = {unit.name: unit for unit in config.systemd.units}
    for path, (file, text) in texts.items():
        found = PLACED.fullmatch(path)
        if found is None:
            continue
        place = file.contents.spot("source") or file.contents.origin
        unit = units.get(found["unit"]) or Unit(name=found["unit"]).at(file.origin)
        if found["dropin"]:
            dropin = Dropin(name=found["dropin"], contents=text).at(place, contents=place)
            units[unit.name] = unit.changed(dropins=(*unit.dropins, dropin))
        elif not unit.contents:
            units[unit.name] = unit.changed(contents=text).spotted(contents=place)
    return units


def started_units(config: Config, units: Mapping[str, Unit]) -> dict[str, Record]:
    """What something in the config starts at boot (enabled, linked, or wanted by another unit), and by what."""
    found: dict[str, Record] = {unit.name: unit for unit in units.values() if unit.enabled}
    for link in config.storage.links:
        if link.path.startswith("/etc/systemd/system/") and (".wants/" in link.path or ".requires/" in link.path):
            found.setdefault(link.path.rpartition("/")[2], link)
    for unit in units.values():
        for text in (unit.contents, *(dropin.contents for dropin in unit.dropins)):
            if text and any(f"{option}=" in text for option in STARTS):
                parsed = parse(text)
                for option in STARTS:
                    found.update({name: unit for name in parsed.words("Unit", option) if name not in found})
    return found
