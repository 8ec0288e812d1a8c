"""The pages of the library are what is made from it."""

import re
from pathlib import Path

import pytest
from cli_console import REPOSITORY
from library_shared import LIBRARY, NAMES, SAMPLES, header_of, sample_values, texts_of

from provision.templates.pages import INDEX, main, pages, write

FOLDER = REPOSITORY / "docs" / "templates"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The pages, made anew."""
    return pages(LIBRARY, SAMPLES)


def test_the_pages_are_up_to_date(made: dict[str, str]) -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == made, "run `make docs-templates`"


def test_every_template_has_its_page_and_its_line_in_the_index(made: dict[str, str]) -> None:
    assert set(made) == {INDEX, *(f"{name}.md" for name in NAMES)}
    assert re.findall(r"^\| \[([a-z0-9-]+)\]\(\1\.md\) \|", made[INDEX], re.M)
    assert all(made[INDEX].count(f"({name}.md)") == 1 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_all_parameters_and_no_secret(name: str, made: dict[str, str]) -> None:
    text = made[f"{name}.md"]
    for parameter in header_of(name).parameters.values():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{parameter.name}` |"))
        assert len(re.findall(r"(?<!\\)\|", line)) == 5
        if parameter.secret:
            assert "secret" in line
            secrets = [each for each in texts_of(sample_values(name)[parameter.name]) if len(each) > 10]
            assert not any(each.strip() in text for each in secrets)


def test_pages_of_templates_that_are_gone_are_removed(tmp_path: Path, made: dict[str, str]) -> None:
    (tmp_path / "gone.md").write_text("a template that is no more")
    (tmp_path / "kept.txt").write_text("not one of ours")
    write(tmp_path, made)
    assert {path.name for path in tmp_path.iterdir()} == {*made, "kept.txt"}


def test_a_template_without_a_sound_header_has_no_page(tmp_path: Path) -> None:
    for folder in ("templates", "samples/templates"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "templates" / "x.bu.j2").write_text("{#\ndescription: A test.\nfamily: unknown\n#}\nvariant: fcos\n")
    with pytest.raises(ValueError, match="family"):
        main(tmp_path)
