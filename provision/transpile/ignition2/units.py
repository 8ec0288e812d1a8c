"""`systemd`: each unit once, started by what Ignition 3 calls `enabled`."""

from provision.ignition import Dropin, Systemd, Unit
from provision.schema import ignition2 as old
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, left_out, place_of, refuse


def section(systemd: old.Systemd, author: Author) -> Systemd:
    """The section in Ignition 3: units of one name are joined at the first one's place."""
    by_name: dict[str, Unit] = {}
    for each in systemd.units:
        new = unit(each, author)
        earlier = by_name.get(new.name)
        by_name[new.name] = new if earlier is None else together(earlier, new, author)
    return carried(Systemd, systemd, units=tuple(by_name.values()))


def unit(unit: old.Unit, author: Author) -> Unit:
    """One unit: it starts at boot where `enable` or `enabled` says so and `enabled` does not say otherwise."""
    enabled = unit.enabled if unit.enabled is not None else unit.enable or None
    dropins: dict[str, Dropin] = {}
    for dropin in unit.dropins:
        take(dropins, carried(Dropin, dropin, "contents name"), author)
    new = carried(Unit, unit, "contents mask name", enabled=enabled, dropins=tuple(dropins.values()))
    place = place_of(author, unit, "enable")
    return new.spotted(enabled=place) if unit.enabled is None and place is not None else new


def take(dropins: dict[str, Dropin], new: Dropin, author: Author) -> None:
    """Add a drop-in to those of its unit; one of the same name takes the place of the earlier."""
    earlier = dropins.get(new.name)
    if earlier is not None and not new.broken and earlier.contents and new.contents not in (None, earlier.contents):
        message = f"the drop-in {new.name} has another text above"
        refuse(author, "PV207", new, "contents", message, "give one of the two another name")
        left_out(author, earlier)
    if earlier is None or new.contents:
        dropins[new.name] = new


def together(earlier: Unit, later: Unit, author: Author) -> Unit:
    """A unit that is given twice: all drop-ins, the text that one of the two has, started if the first to speak says so."""
    dropins = {dropin.name: dropin for dropin in earlier.dropins}
    for dropin in later.dropins:
        take(dropins, dropin, author)
    if earlier.contents and later.contents not in (None, earlier.contents):
        message = f"the unit {later.name} has another text above"
        refuse(author, "PV207", later, "contents", message, "keep one text, or make a drop-in of the other")
        left_out(author, Unit(name=earlier.name, contents=earlier.contents).at(earlier.origin))
    changes = {
        name: value
        for name, value in (
            ("contents", later.contents),
            ("enabled", later.enabled if earlier.enabled is None else None),
            ("mask", later.mask),
        )
        if value is not None
    }
    spots = {name: place for name in changes if (place := place_of(author, later, name)) is not None}
    joined = earlier.changed(dropins=tuple(dropins.values()), **changes).spotted(**spots)
    return joined.as_broken() if later.broken else joined
