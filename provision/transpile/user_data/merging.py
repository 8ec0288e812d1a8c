"""How cloud-config parts become one. Source: cloud-init 25, `mergers/`, `handlers/cloud_config.py`."""

import re
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.document.scalars import PLAIN, QUOTED, meaning

Mergers = dict[str, frozenset[str]]
KEYS = ("merge_how", "merge_type")
DEFAULT: Mergers = {"dict": frozenset(("replace",)), "list": frozenset(), "str": frozenset()}
ONE = re.compile(r"([a-z_][a-z0-9_]*)\((.*?)\)")
RECURSIVE_LISTS = frozenset(("recurse_array", "recurse_list"))


def mergers_of(text: str) -> Mergers | None:
    """`list(append)+dict(recurse_list)` as options by type; None where it can't be read."""
    found: Mergers = {}
    for part in filter(None, (piece.strip().lower().replace("-", "_") for piece in text.split("+"))):
        match = ONE.fullmatch(part)
        if match is None:
            return None
        found[match[1]] = frozenset(option.strip() for option in match[2].split(",") if option.strip())
    return found


def mergers_in(node: object) -> Mergers | None:
    """What `merge_how` asks for; None where it can't be read."""
    if isinstance(node, ScalarNode):
        return mergers_of(node.value)
    found: Mergers = {}
    for item in node.value if isinstance(node, SequenceNode) else ():
        pairs = (
            {key.value: value for key, value in item.value if isinstance(key, ScalarNode)}
            if isinstance(item, MappingNode)
            else {}
        )
        name, settings = pairs.get("name"), pairs.get("settings")
        if not isinstance(name, ScalarNode) or not isinstance(settings, SequenceNode):
            return None
        found[name.value.replace("-", "_").strip()] = frozenset(
            str(option.value) for option in settings.value if isinstance(option, ScalarNode)
        )
    return found or None


def first_of(options: frozenset[str], known: tuple[str, ...], otherwise: str) -> str:
    """The first of the known methods that the options have."""
    return next((method for method in known if method in options), otherwise)


def replaces(mergers: Mergers) -> bool:
    """Whether a later part's value of a key takes the place of an earlier one's, whole."""
    return first_of(mergers.get("dict", frozenset()), ("replace", "no_replace"), "no_replace") == "replace"


def merged(old: Any, new: Any, mergers: Mergers) -> Any:
    """Two values as one, by the type of the old."""
    if isinstance(old, MappingNode) and "dict" in mergers:
        return merged_mapping(old, new, mergers) if isinstance(new, MappingNode) else old
    if isinstance(old, SequenceNode) and "list" in mergers:
        return merged_list(old, new, mergers)
    if is_string(old) and "str" in mergers and is_string(new):
        if "append" not in mergers["str"]:
            return new
        return ScalarNode(QUOTED, old.value + new.value, new.start_mark, new.end_mark)
    return old


def merged_mapping(old: MappingNode, new: MappingNode, mergers: Mergers) -> MappingNode:
    """The keys of both; of those that both have, what the options say."""
    options = mergers["dict"]
    pairs = {str(key.value): (key, value) for key, value in old.value}
    for key, value in new.value:
        name = str(key.value)
        if name not in pairs:
            pairs[name] = (key, value)
        elif is_null(value) and "allow_delete" in options:
            del pairs[name]
        elif replaces(mergers):
            pairs[name] = (key, value)
        else:
            pairs[name] = (pairs[name][0], merged_below(pairs[name][1], value, options, mergers))
    return MappingNode(PLAIN, list(pairs.values()), new.start_mark, new.end_mark)


def merged_below(old: Any, new: Any, options: frozenset[str], mergers: Mergers) -> Any:
    """A value that both mappings have, where the new one does not simply count."""
    recurses = (
        isinstance(new, MappingNode)
        or (isinstance(new, SequenceNode) and options & RECURSIVE_LISTS)
        or (is_string(new) and "recurse_str" in options)
    )
    return merged(old, new, mergers) if recurses else old


def merged_list(old: SequenceNode, new: Any, mergers: Mergers) -> Any:
    """The elements of both, one behind the other, or one in place of the other."""
    options = mergers["list"]
    method = first_of(options, ("append", "prepend", "replace", "no_replace"), "replace")
    if not isinstance(new, SequenceNode):
        return new if method == "replace" else old
    if method == "append":
        items = [*old.value, *new.value]
    elif method == "prepend":
        items = [*new.value, *old.value]
    else:
        items = [*old.value]
        for at, item in enumerate(new.value[: len(items)]):
            items[at] = items[at] if method == "no_replace" else merged_item(items[at], item, options, mergers)
    return SequenceNode(PLAIN, items, new.start_mark, new.end_mark)


def merged_item(old: Any, new: Any, options: frozenset[str], mergers: Mergers) -> Any:
    """An element in place of another."""
    recurses = (
        (isinstance(new, SequenceNode) and options & RECURSIVE_LISTS)
        or (is_string(new) and "recurse_str" in options)
        or (isinstance(new, MappingNode) and "recurse_dict" in options)
    )
    return merged(old, new, mergers) if recurses else new


def is_string(node: Node) -> bool:
    """Whether a node is a string to YAML."""
    return isinstance(node, ScalarNode) and meaning(node.value, str(node.tag)) == "str"


def is_null(node: Node) -> bool:
    """Whether a node is null to YAML."""
    return isinstance(node, ScalarNode) and meaning(node.value, str(node.tag)) == "null"
