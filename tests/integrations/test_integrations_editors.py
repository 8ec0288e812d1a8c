"""What documents say of editors: the line for the language server names a schema that there is, and that fits."""

import json
import re
from pathlib import Path

import pytest
from cli_console import REPOSITORY, SAMPLES, provision
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+?\.json)")
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
LINES = [(path.name, found) for path in DOCUMENTS for found in MODELINE.findall(path.read_text())]
PAGE = (REPOSITORY / "docs" / "editors-and-ci.md").read_text()


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the documents have one make."""
    folder = tmp_path_factory.mktemp("editors")
    assert provision("schema", "--all", ".schemas", cwd=folder).code == 0
    return folder / ".schemas"


@pytest.mark.parametrize(("page", "name"), LINES)
def test_the_schema_that_a_line_names_is_made(page: str, name: str, schemas: Path) -> None:
    assert (schemas / Path(name).name).is_file()


def test_the_document_with_the_line_fits_its_schema(schemas: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)
    name = MODELINE.match(text)
    assert name
    validator = Draft202012Validator(json.loads((schemas.parent / name[1]).read_text()))
    document = YAML(typ="safe").load(text)
    assert not list(validator.iter_errors(document))
    document["storage"]["files"][0]["mod"] = 420
    assert [error.validator for error in validator.iter_errors(document)] == ["additionalProperties"]


def test_the_settings_of_an_editor_name_schemas_that_there_are(schemas: Path) -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
    assert all((schemas.parent / name).is_file() for name in json.loads(text)["yaml.schemas"])


def test_every_sample_of_ci_is_in_the_documents() -> None:
    for path in (SAMPLES / "ci").iterdir():
        assert f"samples/ci/{path.name}" in PAGE


def test_a_cloud_config_may_have_the_line_after_its_first(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("#cloud-config\n# yaml-language-server: $schema=.schemas/cloud-config.json\nhostname: box\n")
    assert provision("validate", "--strict", file).code == 0
