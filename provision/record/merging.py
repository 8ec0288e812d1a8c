"""Ignition's merge, in which a child config has priority over its parent."""

from provision.record.rows import R, Record, Row
from provision.typed import Any


def merge(parent: R, child: R) -> R:
    """Lay `child` over `parent`: Ignition's merge, in which the child has priority.

    Source: Ignition, `config/merge`: nullable values and sections are taken from the child where it sets them, keyed
    lists keep the parent's positions, other lists concatenate, and a header whose value is null removes its parent.
    """
    if parent.empty():
        return child
    if child.empty():
        return parent.changed(_extras=child.extras) if child.extras else parent
    merged = type(child).__new__(type(child))
    values = merged.__dict__
    spots: dict[str, object] = {}
    for name, row in child.rows.items():
        ours, theirs = child.__dict__.get(name), parent.__dict__.get(name)
        if row.kind == "record":
            value: Any = theirs if ours is None else ours if theirs is None else merge(theirs, ours)
        elif row.kind in ("records", "strs"):
            value = merge_lists(row, parent, child)
        else:
            value = theirs if ours is None else ours
        if value is None:
            continue
        values[name] = value
        spot = (child if ours is not None else parent).spot(name) or (parent.origin if ours is None else None)
        if spot is not None:
            spots[name] = spot
    values["_origin"] = child.origin or parent.origin
    if (child if child.origin else parent).made:
        values["_made"] = True
    if spots:
        values["_spots"] = spots
    if parent.broken or child.broken:
        values["_broken"] = True
    if child.extras:
        values["_extras"] = child.extras
    absent = (parent.absent | child.absent) - values.keys()
    if absent:
        values["_absent"] = absent
    return merged


def merge_lists(row: Row, parent: Record, child: Record) -> tuple[Any, ...]:
    """The merged items of one list: concatenated, or by their identity."""
    ours: tuple[Any, ...] = getattr(child, row.name)
    theirs: tuple[Any, ...] = getattr(parent, row.name)
    if row.item_key is None:
        return theirs + ours
    by_key = {row.item_key(item): item for item in ours}
    elsewhere = {
        other.item_key(item)
        for other in child.rows.values()
        if other.shares and other.shares == row.shares and other is not row and other.item_key
        for item in getattr(child, other.name)
    }
    out: list[Any] = []
    for item in theirs:
        key = row.item_key(item)
        if key in by_key:
            if row.removed_by and row.removed_by(by_key[key]):
                continue
            out.append(merge(item, by_key[key]) if isinstance(item, Record) else item)
        elif key not in elsewhere:
            out.append(item)
    known = {row.item_key(item) for item in theirs}
    out.extend(item for item in ours if row.item_key(item) not in known)
    return tuple(out)
