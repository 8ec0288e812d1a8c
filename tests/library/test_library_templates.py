"""The templates of the library: each, with its sample of values, makes a config that nobody has anything to say against."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from cli_console import REPOSITORY, provision
from library_shared import (
    LIBRARY,
    NAMES,
    SAMPLES,
    TEMPLATES,
    apply_to,
    compiled,
    header_of,
    ignition,
    sample_file,
    sample_values,
    texts_of,
)

from provision.templates.header import Header
from provision.templates.layers import PlainLayer
from provision.templates.parameters import Parameter, parts_of
from provision.templates.rendering import check, compile_template
from provision.templates.values import Values, gathered
from provision.transpile.author import Options
from provision.units import parse

FAMILIES = {"clusters", "containers", "machines", "openshift", "debian"}
NEWEST_OF_DEBIAN = "3.3.0"
LONGEST_LINE = 190

each_template = pytest.mark.parametrize("name", NAMES)


def test_there_are_templates_of_every_family() -> None:
    assert len(NAMES) >= 24
    assert {header_of(name).family for name in NAMES} == FAMILIES


def test_every_template_has_its_sample_and_every_sample_its_template() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {f"{name}.yaml" for name in NAMES}
    assert {path.name for path in LIBRARY.iterdir()} == {TEMPLATES[name].name for name in NAMES}


def fits(value: object, parameter: Parameter) -> bool:
    """Whether a parameter takes a value."""
    alone = Header("", "", {parameter.name: parameter}, parameter.span)
    return not Values([PlainLayer({parameter.name: value})]).bind(alone, "").diagnostics


@each_template
def test_a_template_says_what_it_is_and_what_it_takes(name: str) -> None:
    template, header = TEMPLATES[name], header_of(name)
    assert not check(template)
    assert 40 <= len(header.description) <= 140
    assert header.description.endswith(".")
    assert max(map(len, template.text.splitlines())) <= LONGEST_LINE
    for parameter in header.parameters.values():
        assert parameter.description.endswith("."), parameter.name
        assert parameter.schema.get("type") or parameter.schema.get("enum"), parameter.name
        for example in parameter.schema.get("examples", ()):
            assert fits(example, parameter)


def limits(schema: Any, where: str) -> Iterator[str]:
    """The parts of a schema that take any text, or any number of things."""
    kinds = schema.get("type", ())
    kinds = kinds if isinstance(kinds, list) else [kinds]
    bounded = {
        "string": ("pattern", "format", "enum", "maxLength"), "integer": ("maximum",), "number": ("maximum",),
        "object": ("maxProperties", "properties"), "array": ("maxItems", "items"),
    }  # fmt: skip
    for kind in kinds:
        if kind in bounded and not any(key in schema for key in bounded[kind]):
            yield f"{where}: {kind}"
    if "object" in kinds and "properties" in schema and schema.get("additionalProperties") is not False:
        yield f"{where}: other keys"
    for path, part in parts_of(schema):
        if path[0] in ("items", "properties", "additionalProperties") and isinstance(part, dict):
            yield from limits(part, f"{where}.{path[-1]}")


@each_template
def test_a_parameter_has_limits(name: str) -> None:
    assert [found for row in header_of(name).parameters.values() for found in limits(row.schema, row.name)] == []


SECRET_NAMES = re.compile(r"password|private_key|token(?!s)|auth_key|secret|certificate_key|account|wifi|tls$")
PUBLIC = {"cluster_token"}  # a name of a cluster, nothing that opens anything


@each_template
def test_a_secret_is_marked_as_one_and_has_no_default(name: str) -> None:
    for parameter in header_of(name).parameters.values():
        assert parameter.secret == bool(SECRET_NAMES.search(parameter.name) and parameter.name not in PUBLIC)
        if parameter.secret:
            assert not parameter.default


def images(parameter: Parameter) -> Iterator[str]:
    """The images that a parameter has as its default or examples."""
    if parameter.name.endswith("image"):
        yield from filter(None, [parameter.default, *parameter.schema.get("examples", ())])


@each_template
def test_an_image_has_its_release(name: str) -> None:
    for parameter in header_of(name).parameters.values():
        for image in images(parameter):
            assert re.search(r"^[a-z0-9.]+\.[a-z]+/.*:v?\d+\.\d+(\.\d+)?$", image), image
        if parameter.name.endswith("image"):
            assert not fits("docker.io/library/x:latest", parameter)


@each_template
def test_a_pattern_holds_for_the_whole_text(name: str) -> None:
    """A line end behind it would go into the middle of a unit."""
    for parameter in header_of(name).parameters.values():
        value = sample_values(name)[parameter.name]
        if isinstance(value, str) and "pattern" in parameter.schema and not value.endswith("\n"):
            is_pem = "PRIVATE KEY" in value or "CERTIFICATE" in value
            assert is_pem or not fits(value + "\n", parameter), parameter.name


@each_template
def test_a_sample_of_values_opens_with_a_comment_and_has_nothing_but_parameters(name: str) -> None:
    assert len(sample_file(name).read_text().splitlines()[0]) > 20
    assert sample_file(name).read_text().startswith("# ")
    values = gathered(files=[str(sample_file(name))])
    assert not values.bind(header_of(name), "").diagnostics
    required = {row.name for row in header_of(name).parameters.values() if row.required}
    assert required <= set(values.layers[0].names())


@each_template
def test_a_template_compiles_without_a_word(name: str) -> None:
    made = compile_template(TEMPLATES[name], gathered(files=[str(sample_file(name))]), Options())
    assert not made.diagnostics
    assert made.output().endswith(b"\n")


@pytest.mark.parametrize("name", ["data-disk", "fleet-web", "openshift-chrony"])
def test_the_command_line_makes_the_same_of_it(name: str) -> None:
    made = compile_template(TEMPLATES[name], gathered(files=[str(sample_file(name))]), Options())
    file = f"templates/{TEMPLATES[name].name}"
    ran = provision("transpile", file, "--values", sample_file(name), cwd=REPOSITORY)
    assert (ran.code, ran.err, ran.out) == (0, "", made.output().decode())
    assert provision("validate", "--strict", file, "--values", sample_file(name), cwd=REPOSITORY).code == 0


@each_template
def test_systemd_analyze_has_nothing_to_add(name: str) -> None:
    values = gathered(files=[str(sample_file(name))])
    assert not compile_template(TEMPLATES[name], values, Options(systemd_analyze=True)).diagnostics


@each_template
def test_debians_ignition_takes_the_output(name: str, judge: str) -> None:
    made = compiled(name, sample_values(name), target=NEWEST_OF_DEBIAN)
    assert {found.code for found in made.diagnostics} <= {"PV673"}  # what is not of Ignition in a MachineConfig
    ran = subprocess.run([judge, "-"], input=made.output(), capture_output=True, timeout=30)
    assert ran.returncode == 0, ran.stderr.decode()


# ---- in a directory ----------------------------------------------------------------------------------------------

# What the images have, in the place of their units.
VENDOR_UNITS = ("docker", "containerd", "fleet", "etcd2", "locksmithd", "update-engine", "chronyd")
VENDOR_UNIT = "[Service]\nExecStart=/usr/bin/true\n[Install]\nWantedBy=multi-user.target\n"
PROGRAM = re.compile(r"^[-@:+!]*(/\S+)")
FOLDERS: list[Path] = []


@cache
def applied(name: str) -> Path:
    """A directory that a template was applied to."""
    root = Path(mkdtemp(prefix=f"library-{name}-")) / "root"
    FOLDERS.append(root.parent)
    ran = apply_to(root, ignition(compiled(name, sample_values(name))))
    assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err
    return root


@pytest.fixture(scope="module", autouse=True)
def folders_are_removed() -> Iterator[None]:
    """What was made in this module does not stay."""
    yield
    for folder in FOLDERS:
        shutil.rmtree(folder)
    FOLDERS.clear()
    applied.cache_clear()


@each_template
def test_a_template_applies_to_a_directory(name: str) -> None:
    wanted = ignition(compiled(name, sample_values(name)))
    root = applied(name)
    for file in wanted.get("storage", {}).get("files", ()):
        assert (root / file["path"][1:]).stat().st_mode & 0o7777 == file.get("mode", 0o644), file["path"]
    for link in wanted.get("storage", {}).get("links", ()):
        assert os.readlink(root / link["path"][1:]) == link["target"]
    if os.geteuid() == 0:
        accounts = (root / "etc/passwd").read_text()
        for user in wanted.get("passwd", {}).get("users", ()):
            assert f"\n{user['name']}:" in accounts


@each_template
def test_a_secret_is_read_by_its_owner_only(name: str) -> None:
    secret = [row.name for row in header_of(name).parameters.values() if row.secret]
    words = {text.strip() for key in secret for text in texts_of(sample_values(name)[key]) if "BEGIN CERT" not in text}
    words = {word for word in words if len(word) > 12}
    for path in applied(name).rglob("*"):
        if path.is_file() and not path.is_symlink():
            text = path.read_text(errors="replace")
            assert not (path.stat().st_mode & 0o077 and any(word in text for word in words)), path
            assert not (path.stat().st_mode & 0o077 and "PRIVATE KEY" in text), path


def programs(folder: Path) -> Iterator[str]:
    """The programs that units and drop-ins in a folder start."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            for option in parse(path.read_text()).options("Service"):
                found = PROGRAM.match(option.value)
                if option.name.startswith("Exec") and found:
                    yield found[1]


@each_template
def test_systemd_starts_the_units_that_are_in_the_directory(name: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(applied(name), root, symlinks=True)
    units = root / "etc/systemd/system"
    if not units.is_dir():
        return
    vendor = root / "usr/lib/systemd/system"
    shutil.copytree("/usr/lib/systemd/system", vendor, symlinks=True)
    for unit in VENDOR_UNITS:
        (vendor / f"{unit}.service").write_text(VENDOR_UNIT)
    for program in {*programs(units), "/usr/bin/true"}:
        place = root / program[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        place.chmod(0o755)
    found = {
        path.name.removesuffix(".d") for path in units.iterdir() if not path.name.endswith((".wants", ".requires"))
    }
    names = sorted(each for each in found if os.path.realpath(units / each) != os.devnull)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", "--", *names], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "") or not names
