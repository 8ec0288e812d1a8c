"""JSON Schema (draft 2020-12) of a release, projected from the rows that it shows.

The schema says what fits and what a key means; what goes together and what a machine can do is up to the rules.
"""

from functools import lru_cache
from typing import Any

from provision.record import Record, Row, View
from provision.schema.dialects import root_of, view_of
from provision.versions import BUTANE, Release

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NAMES = {"str": "string", "int": "integer", "bool": "boolean"}
# Null stands for an unset value everywhere: an empty section, an element that is to be filled in.


@lru_cache(maxsize=64)
def project(release: Release) -> dict[str, Any]:
    """The JSON Schema of a release. Butane's keys that start with `x-` are free for the author's own use."""
    view = view_of(release)
    definitions: dict[str, Any] = {}
    root = definition(root_of(release), view, definitions)
    if release.dialect in ("ignition", "ignition2"):
        root["required"] = ["ignition"]
        definitions["Ignition"]["required"] = ["version"]
        definitions["Ignition"]["properties"]["version"]["const"] = release.version
    elif release.dialect in BUTANE:
        root["required"] = ["variant", "version"]
        root["properties"]["variant"]["const"] = release.dialect
        root["properties"]["version"]["const"] = release.version
    return {
        "$schema": DRAFT,
        "$id": f"urn:provision:{release.dialect}:{release.version}".rstrip(":"),
        "title": release.name,
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def definition(cls: type[Record], view: View, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a record; those of the records below it go to `definitions`."""
    rows = view[cls]
    required = [key for key, row in rows.items() if row.required <= view.at]
    return {
        "description": plain_doc(cls),
        "type": types("object", *(() if required else ("null",)), *(("string",) if view.shorthand(cls) else ())),
        "properties": {
            spelled: row_schema(row, spelled, view, definitions)
            for key, row in rows.items()
            for spelled in dict.fromkeys((key, key.replace("_", "-") if view.dashes else key))
        },
        **({"patternProperties": {"^x-": {}}} if view.spelling == "snake" else {}),
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def row_schema(row: Row, spelled: str, view: View, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one key, with what an editor shows about it."""
    return {
        "title": spelled,
        "description": row.doc,
        "markdownDescription": markdown(row),
        **value_schema(row, view, definitions),
    }


def value_schema(row: Row, view: View, definitions: dict[str, Any]) -> dict[str, Any]:
    """What values a key takes."""
    if row.kind in ("record", "records"):
        name = row.item.__name__
        if name not in definitions:
            definitions[name] = {}  # stands in while the records below are projected
            definitions[name] = definition(row.item, view, definitions)
        reference = {"$ref": f"#/$defs/{name}"}
        return reference if row.kind == "record" else {"type": list_types(row), "items": reference}
    if row.kind == "strs":
        return {"type": list_types(row), "items": {"type": ["string", "null"]}}
    if row.kind == "map":
        return {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}}
    if row.kind == "node":
        return {}
    name = NAMES[row.kind]
    return {"type": name if row.required <= view.at else [name, "null"], **(limits(row) if row.kind == "int" else {})}


def types(*names: str) -> str | list[str]:
    """JSON Schema's spelling of one type, or of several."""
    return names[0] if len(names) == 1 else list(names)


def list_types(row: Row) -> str | list[str]:
    """What a list may be written as: also a single string, where one may stand alone."""
    return types("array", "null", *(("string",) if row.alone else ()))


def limits(row: Row) -> dict[str, int]:
    """The least and the greatest value of an integer: the row's own, else what 64 bits hold."""
    return {
        "minimum": -(2**63) if row.ge is None else row.ge,
        "maximum": 2**63 - 1 if row.le is None else row.le,
    }


def markdown(row: Row) -> str:
    """A key's meaning with its unit and age, for an editor's hover."""
    unit = f" In {row.unit}." if row.unit else ""
    since = f"\n\nSince Ignition spec {row.since[0]}.{row.since[1]}." if row.since > (3, 0) else ""
    return f"{row.doc}{unit}{since}"


def plain_doc(cls: type[Record]) -> str:
    """The first line of a record's docstring."""
    return (cls.__doc__ or "").strip().split("\n", 1)[0]
