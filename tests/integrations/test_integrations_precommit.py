"""The hooks for pre-commit, as a repository uses them: installed by pre-commit itself from a clone of this project."""

import sys
from pathlib import Path

import pytest
from cli_console import SAMPLES, Ran
from integrations_shared import GOOD, WRONG, checkout, commit, git, offline, path_with, repository, run, shared_folder
from ruamel.yaml import YAML

PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
CONFIG = (SAMPLES / "ci" / "pre-commit-config.yaml").read_text()
FILES = {"files/hostname": "box\n", "machines/web.bu": GOOD, "notes.yaml": "a: [1\n"}


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of someone who has pre-commit, with a cache of their own, and no network."""
    home = shared_folder(tmp_path_factory) / "cache"
    return {**offline(tmp_path_factory), "PRE_COMMIT_HOME": str(home), "PATH": path_with()}


@pytest.fixture
def mine(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with configs and the sample of a pre-commit config, which names this project as it would be released."""
    project = checkout(tmp_path_factory)
    (repo,) = YAML(typ="safe").load(CONFIG)["repos"]
    config = CONFIG.replace(repo["repo"], project.as_uri()).replace(repo["rev"], git(project, "rev-parse", "HEAD"))
    return repository(tmp_path / "mine", {**FILES, ".pre-commit-config.yaml": config})


def pre_commit(folder: Path, user: dict[str, str], *arguments: str) -> Ran:
    """Run pre-commit; while one worker installs the hooks, others wait for the lock of its cache."""
    return run(PRE_COMMIT, *arguments, cwd=folder, env=user)


def verdicts(ran: Ran) -> dict[str, str]:
    """What became of each hook."""
    lines = [line for line in ran.out.splitlines() if line.startswith("provision ") and "..." in line]
    return {line.split("...")[0].removesuffix("."): line.rpartition(".")[2] for line in lines}


def test_both_hooks_pass_where_all_is_well(mine: Path, user: dict[str, str]) -> None:
    ran = pre_commit(mine, user, "run", "--all-files")
    assert verdicts(ran) == {"provision validate": "Passed", "provision transpile --check": "Passed"}, ran
    assert ran.code == 0


def test_a_commit_with_a_mistake_is_refused_at_its_line(mine: Path, user: dict[str, str]) -> None:
    assert pre_commit(mine, user, "install").code == 0
    before = git(mine, "rev-parse", "HEAD")
    (mine / "machines" / "db.bu").write_text(WRONG)
    git(mine, "add", "--all")
    ran = run("git", "commit", "--message", "a mistake", cwd=mine, env=user)
    assert ran.code == 1
    assert ran.err.count("machines/db.bu:5:13: error[PV301]") == 2, ran.err
    assert git(mine, "rev-parse", "HEAD") == before
    (mine / "machines" / "db.bu").write_text(GOOD)
    git(mine, "add", "--all")
    assert run("git", "commit", "--message", "mended", cwd=mine, env=user).code == 0


def test_only_configs_are_looked_at_and_warnings_count_where_they_shall(mine: Path, user: dict[str, str]) -> None:
    commit(mine, {"machines/db.bu": GOOD.replace("0644", "644"), "old.ign": '{"ignition": {"version": "3.0.0"}}'})
    ran = pre_commit(mine, user, "run", "--all-files")
    assert verdicts(ran) == {"provision validate": "Failed", "provision transpile --check": "Passed"}, ran
    assert "machines/db.bu:6:13: warning[PV605]" in ran.out
    assert "notes.yaml" not in ran.out


def test_the_manifest_is_a_valid_one(user: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    project = checkout(tmp_path_factory)
    assert pre_commit(project, user, "validate-manifest", ".pre-commit-hooks.yaml") == Ran(0, "", "")
    assert pre_commit(project, user, "validate-config", "samples/ci/pre-commit-config.yaml") == Ran(0, "", "")
