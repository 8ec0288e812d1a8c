"""The documents show what really happens: their commands are run, their configs compiled."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from provision.transpile.compile import compile_document

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    """The fenced blocks of a language in all documents, with the name of the document."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.M | re.S)
    return [(path.name, block) for path in DOCUMENTS for block in fence.findall(path.read_text())]


def commands() -> list[tuple[str, str]]:
    """Each command of the console blocks with the output that the document shows."""
    found = []
    for _, block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "output"), commands(), ids=lambda text: text[:40])
def test_a_command_prints_what_the_readme_shows(command: str, output: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
    ran = subprocess.run(
        ["bash", "-c", f"exec 2>&1; {command}"], cwd=ROOT, capture_output=True, text=True, env={**environ, "PATH": path}
    )
    assert ran.stdout == output


@pytest.mark.parametrize(("name", "text"), blocks("yaml"), ids=lambda text: text[:20])
def test_a_config_in_a_document_has_no_problems(name: str, text: str) -> None:
    assert [str(found) for found in compile_document(text.encode(), name).diagnostics] == []


def test_the_readme_opens_with_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert [line.split("#")[0].strip() for line in lines[2:4]] == ["make demo", "make test"]


def test_the_demo_runs_to_its_end() -> None:
    provision = Path(sys.executable).parent / "provision"
    ran = subprocess.run(["sh", "docs/demo.sh", str(provision)], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "== 6. The resulting tree" in ran.stdout
    assert "./etc/containers/systemd/web.container" in ran.stdout
