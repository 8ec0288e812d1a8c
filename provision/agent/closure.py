"""Which modules of ours the agent consists of, and what they ask of the standard library. Found by reading them."""

import ast
import codecs
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import provision
from provision.typed import NamedTuple

FOLDER = Path(provision.__file__).parent
PACKAGE = provision.__name__
ENTRY = "provision.apply.command"
# What runs only where all of Python is installed: it puts the rest into an initramfs.
ON_A_WHOLE_SYSTEM = ("provision.apply.pack",)

# What the interpreter itself loads when something is done, by no import statement.
UNSPOKEN = {
    "runpy": "starts a program that is a zip file",
    "zipimport": "loads from it",
    "encodings.ascii": "standard streams where the locale is C and UTF-8 mode is off",
    "encodings.latin_1": "the same for a locale of that kind",
    "encodings.utf_8": "all other text",
    "encodings.idna": "every look-up of a host",
}


class Wanted(NamedTuple):
    """A module that an import statement names, and the name in it that is imported, if it is one."""

    module: str
    name: str | None


def agent_modules() -> dict[str, Path]:
    """The modules of the agent and their files, by name."""
    return {name: MODULES[name] for name in sorted(reached(ENTRY))}


def wanted_of_python() -> set[str]:
    """The names of modules of the standard library that the agent imports in an initramfs, at once or late.

    A name may also be one that a module holds. Raises ImportError for a module that is not the standard library's.
    """
    names = set(UNSPOKEN)
    for module in reached(ENTRY, without=ON_A_WHOLE_SYSTEM):
        tree = parsed(module)
        for wanted in imports_of(tree):
            if is_ours(wanted.module):
                continue
            names |= {wanted.module, f"{wanted.module}.{wanted.name}"} if wanted.name else {wanted.module}
        names |= {f"encodings.{name}" for name in encodings_of(tree)}
    return names


def reached(entry: str, without: tuple[str, ...] = ()) -> set[str]:
    """A module of ours and all of ours that it imports, at once or late. Raises ImportError for strangers."""
    found: set[str] = set()
    left = {entry}
    while left:
        module = left.pop()
        found.add(module)
        needs = {name for wanted in imports_of(parsed(module)) if (name := ours(wanted, module))}
        left |= {each for need in needs for each in with_parents(need)}.difference(found, without)
    return found


def with_parents(module: str) -> list[str]:
    """A module and the packages that it is in."""
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def ours(wanted: Wanted, importer: str) -> str | None:
    """The module of ours that is imported; None if it is the standard library's. Raises ImportError for others."""
    if not is_ours(wanted.module):
        if wanted.module.partition(".")[0] not in sys.stdlib_module_names:
            raise ImportError(f"{importer} imports {wanted.module}: the agent may need the standard library only")
        return None
    inner = f"{wanted.module}.{wanted.name}"
    return inner if inner in MODULES else wanted.module


def is_ours(name: str) -> bool:
    """Whether a module belongs to this package."""
    return name.partition(".")[0] == PACKAGE


@cache
def parsed(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(MODULES[module].read_bytes())


def imports_of(node: ast.AST) -> Iterator[Wanted]:
    """What a tree imports when it runs, on whichever way through it. What only checkers see is left out."""
    if isinstance(node, ast.Import):
        yield from (Wanted(alias.name, None) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (Wanted(node.module or "", alias.name) for alias in node.names)
    checked_only = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    for child in node.orelse if checked_only and isinstance(node, ast.If) else ast.iter_child_nodes(node):
        yield from imports_of(child)


def encodings_of(tree: ast.AST) -> Iterator[str]:
    """The encodings that a tree names in its calls, by the names of their modules."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        named = [keyword.value for keyword in call.keywords if keyword.arg == "encoding"]
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("encode", "decode"):
            named += call.args[:1]
        for name in named:
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield codecs.lookup(name.value).name.replace("-", "_").replace("iso8859_1", "latin_1")


MODULES = {
    ".".join(part for part in (PACKAGE, *path.relative_to(FOLDER).with_suffix("").parts) if part != "__init__"): path
    for path in FOLDER.rglob("*.py")
}
