"""Planning has no way to write: by what it imports, and by what it does."""

import ast
from pathlib import Path

import provision.planning
from provision.apply import facts_file, recording

PLANNING = sorted(Path(provision.planning.__file__).parent.glob("*.py"))
PURE = [path for path in PLANNING if path.name not in ("__init__.py", "looking.py")]
# Of the applier: planners, operations as data, and what only knows or compares.
ALLOWED = (
    "provision.apply.accounts", "provision.apply.devices", "provision.apply.facts", "provision.apply.facts_file",
    "provision.apply.operations", "provision.apply.paths", "provision.apply.plan", "provision.apply.programs",
    "provision.apply.reading", "provision.apply.references", "provision.apply.sources", "provision.apply.stages",
    "provision.contents", "provision.diagnostics", "provision.formats", "provision.ignition", "provision.inspection.devices",
    "provision.inspection.layout", "provision.inspection.text", "provision.inspection.tree", "provision.planning",
    "provision.record", "provision.typed",
)  # fmt: skip
LIBRARY = {"collections.abc", "typing", "textwrap", "json"}
LOOKING = {"provision.apply.devices.survey", "provision.apply.recording", "provision.apply.roots", "contextlib"}
LOOKS_WITH = {"uname", "geteuid", "environ"}


def imported(path: Path) -> set[str]:
    """The modules that a module names in its imports, wherever they stand."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "exec", "eval", "__import__"), path.name
    return names


def is_allowed(name: str) -> bool:
    """Whether a module can only know, compare and decide. `devices` itself is data; the modules in it look."""
    if name.startswith("provision.apply.devices."):
        return False
    return name in LIBRARY or any(name == allowed or name.startswith(allowed + ".") for allowed in ALLOWED)


def test_forecasting_imports_nothing_that_writes_or_looks() -> None:
    assert len(PURE) > 10
    for path in PURE:
        wrong = [name for name in imported(path) if not is_allowed(name)]
        assert not wrong, f"{path.name} imports {wrong}"


def test_looking_imports_what_looks_and_nothing_that_writes() -> None:
    path = next(path for path in PLANNING if path.name == "looking.py")
    assert not [name for name in imported(path) if not is_allowed(name) and name not in LOOKING]


def test_the_file_of_facts_is_pure() -> None:
    assert not [name for name in imported(Path(facts_file.__file__)) if not is_allowed(name)]


def test_recording_asks_the_system_for_nothing_but_what_it_is() -> None:
    source = ast.parse(Path(recording.__file__).read_text())
    used = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert used <= LOOKS_WITH
