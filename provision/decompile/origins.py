"""Where the parts of a tree come from: their order in the author's document, and a comment above what was made for him.

Nobody finds `coreos.etcd2` in the drop-in that it became: what stands in a list for another key than the list's own gets
that key above it, and where its text does not say what it is for, a few words on that.
"""

import re
from collections.abc import Iterator, Sequence

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provision.decompile.contents import MAX_TEXT, content_of
from provision.decompile.tree import Element
from provision.formats import visible
from provision.ignition import Resource
from provision.transpile.author import Author

# The lists whose items can be made for other keys, and what other dialects call them.
CALLED = {
    "disks": "disks", "raid": "raid", "luks": "luks", "filesystems": "filesystems", "directories": "directories",
    "files": "files|write_files", "links": "links", "units": "units", "dropins": "dropins|drop_ins",
    "users": "users", "groups": "groups",
}  # fmt: skip
OWN = {name: re.compile(rf"(?:.*\.)?(?:{called})\[\d+\](?:\.mount)?") for name, called in CALLED.items()}
INDEX = re.compile(r"\[\d+\]")
TEMPLATES = "/etc/provision/templates"
# What something is for, by its path or name, where neither its key nor its text says so. Source: `provision explain PV721`.
PURPOSES = (
    (re.compile(re.escape(TEMPLATES) + "/.*"), "filled in at boot by provision-render.service"),
    (re.compile(r"/etc/provision/render\.sh"), "run at boot by provision-render.service"),
    (re.compile(r"provision-render\.service"), f"fills in the templates below {TEMPLATES} at boot"),
    (re.compile(r"10-provision-(?:render|addresses)\.conf"), "waits for the addresses of the machine"),
    (re.compile(r"/etc/systemd/system/[^/]+\.wants/[^/]+"), "started at boot"),
)
REWRITTEN = "written anew at boot by provision-render.service"
UNITS = "/etc/systemd/system"
NOWHERE = 1 << 30


class Origins:
    """Where the elements of a document come from."""

    def __init__(self, author: Author) -> None:
        self.author, self.root, self.paths = author, author.document.root, author.document.paths

    def local(self, resource: Resource) -> str | None:
        """The author's local file that a content is, byte for byte, the content of; None where he named none."""
        node = self.author.place(resource, "source")
        if not isinstance(node, ScalarNode) or not self.paths.get(id(node), "").endswith(".local"):
            return None
        file: str = node.value
        return file if self.author.read_local(file, resource, "source") == content_of(resource, MAX_TEXT) else None

    def path(self, element: Element) -> str:
        """The author's key that an element stands for; empty for the document as a whole."""
        return self.paths.get(id(element.place), "")

    def own(self, element: Element, name: str) -> bool:
        """Whether an element of a list stands for an element of the author's list of this kind."""
        return OWN[name].fullmatch(self.path(element).replace("-", "_")) is not None

    # ---- order -----------------------------------------------------------------------------------------------------

    def ordered(self, tree: Sequence[Element]) -> list[Element]:
        """Sections in the order in which the author wrote them, and the lists of a section that is the author's own."""
        for section in tree:
            if isinstance(section.value, list) and section.key == "storage" and self.is_place(section):
                section.value.sort(key=self.line)
        sections = [element for element in tree if self.movable(element)]
        rest = iter(sorted(sections, key=self.line))
        return [next(rest) if self.movable(element) else element for element in tree]

    @staticmethod
    def movable(element: Element) -> bool:
        """Whether people put a section where they like."""
        return element.key in ("passwd", "storage", "systemd")

    def is_place(self, element: Element) -> bool:
        """Whether a section stands for a section of the document."""
        return isinstance(element.place, MappingNode) and element.place is not self.root

    def line(self, element: Element) -> int:
        """The line that a section or list starts on; where it was made of several, the line of its first own item."""
        if isinstance(element.place, Node) and element.place is not self.root:
            line: int = element.place.start_mark.line
            return line
        items = [(item, name) for item, name in listed([element]) if isinstance(item.place, Node)]
        own = [item for item, name in items if self.own(item, name)]
        found = own or [item for item, _ in items if item.place is not self.root]
        return min([item.place.start_mark.line for item in found if isinstance(item.place, Node)], default=NOWHERE)

    # ---- comments --------------------------------------------------------------------------------------------------

    def explain(self, tree: Sequence[Element]) -> None:
        """Put a comment above the first of the items that one key was made into."""
        templated = {
            name.removeprefix(TEMPLATES)
            for item, _ in listed(tree)
            if (name := name_of(item)).startswith(TEMPLATES + "/")
        }
        self.explain_lists(tree, templated, "", "")

    def explain_lists(self, tree: Sequence[Element], templated: set[str], above: str, folder: str) -> None:
        """The same for the lists among some elements; `above` is said already, `folder` is where drop-ins lie."""
        for element in tree:
            if not isinstance(element.value, list):
                continue
            if element.key not in CALLED:
                self.explain_lists(element.value, templated, above, folder)
                continue
            said = above
            for item in element.value:
                text = self.comment(item, element.key, templated, folder)
                if text and text != said:
                    item.above.append(f"# {text}")
                said = text
                if isinstance(item.value, list) and element.key == "units":
                    self.explain_lists(item.value, templated, text, f"{UNITS}/{name_of(item)}.d/")

    def comment(self, item: Element, name: str, templated: set[str], folder: str) -> str:
        """The key that an item was made for, and what for; empty for what the author wrote as it is."""
        called = name_of(item)
        path = called if called.startswith("/") else f"{folder or UNITS + '/'}{called}"
        if self.own(item, name):
            return REWRITTEN if path in templated else ""
        key = visible(INDEX.sub("", self.path(item)))
        parts = [f"from {key}"] * bool(key)
        parts += [words for pattern, words in PURPOSES if pattern.fullmatch(called)]
        parts += [REWRITTEN] if path in templated else []
        return ": ".join(parts)


def listed(tree: Sequence[Element]) -> Iterator[tuple[Element, str]]:
    """The items of all the lists that can have items made for other keys, with the name of the list."""
    for element in tree:
        if isinstance(element.value, list):
            if element.key in CALLED:
                yield from ((item, element.key) for item in element.value)
            yield from listed(element.value)


def name_of(item: Element) -> str:
    """The path or name of an item of a list: its first key."""
    first = item.value[0].value if isinstance(item.value, list) and item.value else ""
    return first if isinstance(first, str) else ""
