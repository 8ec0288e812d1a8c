"""Imports point one way, and a command loads no more than it needs. Held to by reading the sources, and by looking."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_console import ERROR, GOOD, environment, written

import provision

PACKAGE = Path(provision.__file__).parent
# Each may import those before it, and its own parts; the longest name that fits a module counts.
ORDER = (
    "typed", "diagnostics", "units", "record", "ignition", "source_map", "schema.rules", "contents", "passwords", "versions", "document", "schema", "suppressions", "transpile",
    "apply", "agent", "initramfs", "formats", "report", "fetched", "inputs", "progress", "workers", "decompile", "inspection", "templates", "composition", "inventory", "pages", "validation", "comparison", "planning", "applying", "migration", "rendering", "cli", "__main__",
)  # fmt: skip
APPLIER_NEEDS = {
    "",
    "typed",
    "diagnostics",
    "units",
    "record",
    "ignition",
    "source_map",
    "contents",
    "schema.rules",
    "apply",
}
# Libraries that cost much to load or are seldom needed, and the only places that may ask for each.
PLACES = {
    "typer": {"cli"}, "rich": {"progress"}, "jsonschema": {"schema", "templates"}, "jinja2": {"templates", "transpile"}, "passlib": {"passwords"},
}  # fmt: skip


class Import(NamedTuple):
    """One import statement: who imports what, and whether it runs only when a function is called."""

    module: str
    wanted: str
    late: bool


def name_of(path: Path) -> str:
    """A module's name below the package: `` for the package itself, `schema.rules` for its `__init__.py`."""
    return ".".join(part for part in path.relative_to(PACKAGE).with_suffix("").parts if part != "__init__")


MODULES = {name_of(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    """All imports of a module; those of ours by their names below the package, others with a `/` before."""
    inner = {
        node
        for outer in ast.walk(MODULES[module]) if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(outer)
    }  # fmt: skip
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} has a relative import, in line {node.lineno}"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(module, ours(name), node in inner)


def ours(name: str) -> str:
    """The module of ours that an imported name is or is in, or `/name` where it is none of ours."""
    if name.split(".")[0] != "provision":
        return "/" + name
    below = name.removeprefix("provision").removeprefix(".")
    while below not in MODULES:
        below = below.rpartition(".")[0]
    return below


def unit_of(module: str) -> str:
    """The entry of ORDER that a module belongs to; `` for the package's own `__init__.py`."""
    fitting = [unit for unit in ORDER if module == unit or module.startswith(unit + ".")]
    return max(fitting, key=len, default=module)


ALL = [found for module in MODULES for found in imports_of(module)]


def test_every_module_has_its_place_in_the_order() -> None:
    assert {unit_of(module) for module in MODULES} == {"", *ORDER}


def test_imports_point_one_way() -> None:
    rank = {"": -1, **{unit: at for at, unit in enumerate(ORDER)}}
    wrong = [
        f"{one.module} imports {one.wanted}"
        for one in ALL
        if not one.wanted.startswith("/") and rank[unit_of(one.wanted)] > rank[unit_of(one.module)]
    ]
    assert not wrong


def test_no_imports_go_round_in_a_circle() -> None:
    """Also not those inside functions; only a package may load its own parts late, which is how a registry fills."""
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for one in ALL:
        registry = one.late and one.wanted.startswith(one.module + ".")
        if not one.wanted.startswith("/") and not registry and one.wanted != one.module:
            graph[one.module].add(one.wanted)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" < ".join(error.args[1]))


def test_the_applier_needs_the_standard_library_and_five_parts_of_ours() -> None:
    """Also in functions, and through what it imports: `provision.apply` has to run in an initramfs."""
    reached, left = set(), {module for module in MODULES if unit_of(module) == "apply"}
    while left:
        module = left.pop()
        reached.add(module)
        for one in imports_of(module):
            if one.wanted.startswith("/"):
                assert one.wanted[1:].split(".")[0] in sys.stdlib_module_names, one
            else:
                assert unit_of(one.wanted) in APPLIER_NEEDS, one
                left |= {one.wanted} - reached


def test_costly_libraries_are_asked_for_in_one_place() -> None:
    for one in ALL:
        library = one.wanted.removeprefix("/").split(".")[0]
        if one.wanted.startswith("/") and library in PLACES:
            assert unit_of(one.module) in PLACES[library], one
            # A module that is nothing but the use of its library is itself imported late.
            assert one.late or library in ("typer", "jsonschema", "jinja2"), one


def test_the_schema_package_itself_imports_nothing() -> None:
    assert not list(imports_of("schema"))


def loaded_by(*arguments: str, stdin: str = "") -> set[str]:
    """The modules that a run of the console script ends with."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from provision import cli\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=stdin, capture_output=True, text=True, env=environment(),
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return set(done.stderr.splitlines()[-1].split())


def heavy(modules: set[str], *names: str) -> set[str]:
    """The modules that are, or are below, one of the names."""
    return {module for module in modules if any(module == name or module.startswith(name + ".") for name in names)}


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "--version",
        "validate --help",
        "transpile --help",
        "apply --help",
        "plan --help",
        "facts --help",
        "template --help",
        "build --help",
    ],
)
def test_help_loads_no_compiler(command: str) -> None:
    modules = loaded_by(*command.split())
    assert not heavy(modules, "ruamel", "_ruamel_yaml", "jsonschema", "jinja2", "rich", "multiprocessing", "asyncio")
    parts = {unit_of(module.removeprefix("provision.")) for module in heavy(modules, "provision")} - {"provision"}
    assert parts == {"cli", "diagnostics", "typed"}


@pytest.mark.parametrize("command", [["validate"], ["validate", "-s", "--format", "full"], ["transpile"]])
@pytest.mark.parametrize("config", [GOOD, '{"ignition": {"version": "3.4.0"}}'])
def test_a_config_without_problems_does_not_pay_for_reporting_them(command: list[str], config: str) -> None:
    modules = loaded_by(*command, stdin=config)
    assert not heavy(modules, "jsonschema", "referencing", "jinja2", "rich", "multiprocessing", "concurrent")
    assert not heavy(modules, "provision.apply", "provision.pages", "provision.schema.structural")


def test_what_a_rule_finds_needs_no_schema() -> None:
    assert not heavy(loaded_by("validate", stdin=ERROR), "jsonschema", "jinja2", "rich")


def test_applying_loads_no_terminal_library_in_a_pipe(tmp_path: Path) -> None:
    written(tmp_path / "etc")
    modules = loaded_by("apply", "-", "--root", str(tmp_path), stdin=GOOD)
    assert not heavy(modules, "jsonschema", "jinja2", "rich")
    assert (tmp_path / "etc/hostname").read_text() == "box"
