"""The GitHub Action and the jobs for GitLab: their steps run as a runner runs them, with the inputs that a user gives.

A runner fetches the project, and keeps variables, the search path and outputs between steps; that much of it is here.
"""

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from venv import EnvBuilder

import pytest
from cli_console import REPOSITORY, SAMPLES, Ran
from integrations_shared import (
    GOOD,
    WRONG,
    checkout,
    commit,
    git,
    offline,
    once,
    path_with,
    python_alone,
    repository,
    run,
    shared_folder,
)
from ruamel.yaml import YAML

ACTION = YAML(typ="safe").load((REPOSITORY / "action.yml").read_text())
WORKFLOW = YAML(typ="safe").load((SAMPLES / "ci" / "github.yml").read_text())
JOBS = YAML(typ="safe").load((SAMPLES / "ci" / "gitlab.yml").read_text())
FILES = {"files/hostname": "box\n", "machines/web.bu": GOOD, "other/note.txt": "nothing"}
# What a user may write into an input, or call a file: none of it may become a command.
HOSTILE = "$(touch pwned) `touch pwned`; touch pwned"


class Runner:
    """A machine that runs the steps of the action."""

    def __init__(self, work: Path, place: Path, project: Path, python: Path, packages: dict[str, str]) -> None:
        self.work, self.place = work, place
        self.temp = place / "temp"
        self.temp.mkdir(parents=True)
        self.files = {name: place / name for name in ("GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        self.env = {
            **packages, "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(project), "RUNNER_TEMP": str(self.temp),
            "PATH": path_with(python), **{name: str(path) for name, path in self.files.items()},
        }  # fmt: skip
        self.outputs: dict[str, dict[str, str]] = {}
        self.failed = False
        self.left_out = 0

    def run(self, **inputs: str) -> list[Ran]:
        """Run all steps, but for the first that an earlier job of this test run did; after one that fails those that say so."""
        self.failed = False
        unknown = inputs.keys() - {name.replace("-", "_") for name in ACTION["inputs"]}
        assert not unknown
        given = {name: inputs.get(name.replace("-", "_"), row["default"]) for name, row in ACTION["inputs"].items()}
        steps = ACTION["runs"]["steps"][self.left_out :]
        return [self.step(step, given) for step in steps if self.is_due(step, given)]

    def is_due(self, step: dict[str, Any], inputs: dict[str, str]) -> bool:
        """What the condition of a step says."""
        asked = step.get("if", "")
        wanted = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) != '' && !cancelled\(\) \}\}", asked)
        assert wanted or not asked
        return bool(inputs[wanted[1]]) if wanted else not self.failed

    def step(self, step: dict[str, Any], inputs: dict[str, str]) -> Ran:
        """One step. Source: GitHub, "Workflow syntax", `jobs.<job_id>.steps[*].shell`."""
        assert step["shell"] == "bash"
        script = self.place / "script.sh"
        script.write_text(step["run"])
        for path in self.files.values():
            path.touch()
        env = {name: self.value(text, inputs) for name, text in step.get("env", {}).items()}
        ran = run("bash", "--noprofile", "--norc", "-eo", "pipefail", script, cwd=self.work, env={**self.env, **env})
        self.failed |= ran.code != 0
        added = self.files["GITHUB_PATH"].read_text().split()
        self.env["PATH"] = os.pathsep.join([*added, self.env["PATH"]])
        self.files["GITHUB_PATH"].unlink()
        outputs = dict(line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text().splitlines())
        self.outputs[step.get("id", "")] = outputs
        self.files["GITHUB_OUTPUT"].unlink()
        return ran

    def value(self, text: str, inputs: dict[str, str]) -> str:
        """An expression's value."""
        found = re.fullmatch(r"\$\{\{ (inputs|steps)\.([\w-]+)(?:\.outputs\.([\w-]+))? \}\}", text)
        assert found, text
        return inputs[found[2]] if found[1] == "inputs" else self.outputs.get(found[2], {}).get(found[3], "")

    def output(self, name: str) -> str:
        """An output of the action."""
        return self.value(ACTION["outputs"][name]["value"], {})

    @property
    def summary(self) -> str:
        return self.files["GITHUB_STEP_SUMMARY"].read_text()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path], Runner]:
    """Makes machines, from a repository and a place for what is the machine's own."""
    project, packages = checkout(tmp_path_factory), offline(tmp_path_factory)
    python = python_alone(tmp_path_factory)
    return lambda work, place: Runner(work, place, project, python, packages)


@pytest.fixture(scope="session")
def search_path(machine: Callable[[Path, Path], Runner], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The search path once the action has installed this project, which takes its time."""
    folder = shared_folder(tmp_path_factory)
    with once(folder, "job") as made:
        if made is not None:
            first = machine(repository(made / "work", FILES), made / "runner")
            install, validate = first.run(paths="machines\n", files_dir="files")
            assert install.code == 0, install
            assert validate == Ran(0, "", "1 file: no problems\n")
            (made / "path").write_text(first.env["PATH"])
    return (folder / "job" / "path").read_text()


@pytest.fixture
def runner(tmp_path: Path, machine: Callable[[Path, Path], Runner], search_path: str) -> Runner:
    """A runner with a checked out repository, whose configs are good; the action is installed."""
    found = machine(repository(tmp_path / "work", FILES), tmp_path / "runner")
    found.env["PATH"], found.left_out = search_path, 1
    return found


# ---- GitHub -----------------------------------------------------------------------------------------------------


def test_the_action_passes_where_all_is_well(runner: Runner) -> None:
    (validate,) = runner.run(paths="machines\n", files_dir="files")
    assert validate == Ran(0, "", "1 file: no problems\n")
    assert runner.output("changed") == ""


def test_the_action_annotates_the_lines_of_mistakes_and_fails(runner: Runner) -> None:
    commit(runner.work, {"machines/db.bu": WRONG, "machines/warned.bu": GOOD.replace("0644", "644")})
    *_, validate = runner.run(files_dir="files")
    assert validate.code == 1
    assert "::error file=machines/db.bu,line=5,endLine=5,col=13," in validate.out
    assert "::warning file=machines/warned.bu,line=6," in validate.out
    *_, strict = runner.run(files_dir="files", paths="machines/warned.bu\n\nmachines/web.bu", fail_level="warning")
    assert strict.code == 1
    *_, ignored = runner.run(files_dir="files", paths="machines", arguments="--select\nPV7\n--format\nconcise")
    assert (ignored.code, ignored.out) == (0, "")


def test_the_action_shows_what_a_pull_request_changes(runner: Runner) -> None:
    before = git(runner.work, "rev-parse", "HEAD")
    commit(runner.work, {"files/hostname": "tower\n", "machines/new.bu": GOOD})
    *_, compare = runner.run(paths="machines", files_dir="files", compare_with=before)
    assert compare.code == 0, compare
    assert runner.summary.startswith("## machines\n\n**1 changed, 1 added**\n\nAdded: `new`\n")
    assert "-box\n  +tower\n" in runner.summary
    assert runner.output("changed") == "true"
    assert Path(runner.output("comparison")).read_text() == runner.summary


def test_the_action_compares_also_where_a_config_is_wrong_or_new(runner: Runner) -> None:
    before = git(runner.work, "rev-parse", "HEAD")
    commit(runner.work, {"machines/web.bu": WRONG, "more/web.bu": GOOD})
    validate, compare = runner.run(paths="machines\nmore", files_dir="files", compare_with=before)
    assert (validate.code, compare.code) == (1, 0)
    assert "Not compared: `web`" in runner.summary
    assert "## more\n\nIt is there on one side alone.\n" in runner.summary
    assert runner.output("changed") == "true"


def test_the_action_says_that_nothing_differs(runner: Runner) -> None:
    runner.run(paths="machines/web.bu", files_dir="files", compare_with="HEAD")
    assert runner.summary == "## machines/web.bu\n\n**Nothing differs**\n"
    assert runner.output("changed") == "false"


def test_the_action_fetches_a_commit_that_a_shallow_checkout_has_not(runner: Runner, tmp_path: Path) -> None:
    before = git(runner.work, "rev-parse", "HEAD")
    commit(runner.work, {"files/hostname": "tower\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", runner.work.as_uri(), "shallow")
    runner.work = tmp_path / "shallow"
    *_, compare = runner.run(paths="machines", files_dir="files", compare_with=before)
    assert compare.code == 0, compare
    assert "+tower" in runner.summary


def test_no_input_of_the_action_becomes_a_command(runner: Runner) -> None:
    commit(runner.work, {f"machines/{HOSTILE}.bu": GOOD})
    validate, _ = runner.run(paths=f"machines\n{HOSTILE}", files_dir=HOSTILE, arguments=HOSTILE, compare_with="HEAD")
    assert validate.code == 2
    runner.left_out = 0
    assert [ran.code for ran in runner.run(fail_level=HOSTILE, compare_with=HOSTILE, python=HOSTILE)] == [1, 128]
    assert not list(runner.place.parent.rglob("pwned*"))
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_an_old_python_is_told(runner: Runner, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    runner.left_out = 0
    (install,) = runner.run(python=str(old))
    assert install.code == 1
    assert install.out.startswith("::error::provision needs Python 3.11 or later")


def test_the_sample_of_a_workflow_gives_inputs_that_there_are(runner: Runner) -> None:
    (job,) = WORKFLOW["jobs"].values()
    (use,) = (step for step in job["steps"] if step["uses"].startswith("provision-project/provision@"))
    given = {name.replace("-", "_"): value for name, value in use["with"].items()}
    assert given.pop("compare_with") == "${{ github.event.pull_request.base.sha }}"
    # On a push there is no pull request, and the input is empty.
    assert [ran.code for ran in runner.run(**given, compare_with="")] == [0]


# ---- GitLab -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an image with Python, in which `before_script` has run."""
    folder = shared_folder(tmp_path_factory)
    with once(folder, "image") as made:
        if made is not None:
            EnvBuilder(with_pip=True).create(made)
            variables = {**offline(tmp_path_factory), "PROVISION": str(checkout(tmp_path_factory))}
            ran = shell(JOBS[".provision"]["before_script"], made, {**variables, "PATH": path_with(made / "bin")})
            assert ran.code == 0, ran
    return folder / "image" / "bin"


@pytest.fixture
def pipeline(tmp_path: Path, image: Path) -> tuple[Path, dict[str, str]]:
    """A checked out repository, and the variables of a job."""
    work = repository(tmp_path / "work", FILES)
    return work, {**JOBS["variables"], "PATH": path_with(image), "GITLAB_CI": "true"}


def shell(lines: list[str], work: Path, variables: dict[str, str]) -> Ran:
    """Run lines as the runner for bash does: one after another in one shell, which ends with the first that fails."""
    script = "\n".join(f"eval {shlex.quote(line)}" for line in lines)
    return run("bash", "-eo", "pipefail", "-c", script, cwd=work, env=variables)


def job(name: str, work: Path, variables: dict[str, str]) -> Ran:
    """Run the script of a job."""
    assert JOBS[name]["extends"] == ".provision"
    return shell(JOBS[name]["script"], work, variables)


def test_the_job_passes_where_all_is_well(pipeline: tuple[Path, dict[str, str]]) -> None:
    work, variables = pipeline
    ran = job("provision", work, variables)
    assert ran.code == 0, ran
    assert json.loads((work / "gl-code-quality-report.json").read_text()) == []


def test_the_job_leaves_a_report_and_the_log_of_mistakes(pipeline: tuple[Path, dict[str, str]]) -> None:
    work, variables = pipeline
    commit(work, {"machines/db.bu": WRONG})
    ran = job("provision", work, variables)
    assert ran.code == 1
    assert "machines/db.bu:5:13: error[PV301]" in ran.out
    (found,) = json.loads((work / JOBS["provision"]["artifacts"]["reports"]["codequality"]).read_text())
    assert found["location"]["path"] == "machines/db.bu"
    assert found["location"]["lines"]["begin"] == 5


def test_the_job_shows_what_a_merge_request_changes(pipeline: tuple[Path, dict[str, str]]) -> None:
    work, variables = pipeline
    before = git(work, "rev-parse", "HEAD")
    commit(work, {"files/hostname": "tower\n", "machines/db.bu": WRONG})
    ran = job("provision-diff", work, {**variables, "CI_MERGE_REQUEST_DIFF_BASE_SHA": before})
    assert ran.code == 0, ran
    (artifact,) = JOBS["provision-diff"]["artifacts"]["paths"]
    assert "+tower" in (work / artifact).read_text()
    assert "+tower" in ran.out
