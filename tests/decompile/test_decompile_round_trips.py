"""transpile(decompile(x)) is x: for every case and sample, for generated configs of every release, for every variant."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from round_trips import as_written, config_of, meaning, of_version, written
from strategies import TEXTS, configs
from test_cases import ALL, CASES, Case
from test_mutations import mutant

from provision.decompile import yaml
from provision.decompile.butane import butane_of
from provision.decompile.contents import Contents
from provision.decompile.files import decompiled
from provision.decompile.machineconfig import as_openshift
from provision.decompile.releases import adapted, problems, without_sugar
from provision.ignition import Config, FileContents, Resource, full_version
from provision.record import Spec, transform
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.contents import data_url
from provision.versions import BUTANE, RELEASES, Release

ROOT = Path(__file__).parent.parent.parent
SAMPLES = sorted([*(ROOT / "samples").glob("*.bu"), *(ROOT / "samples" / "machineconfig").glob("*.yaml")])
OF_BUTANE = [release for release in RELEASES if release.dialect in BUTANE]
WITH_OUTPUT = [case for case in ALL if case.expected() is not None]
# Each of these cases under the newest of its releases.
NEWEST_CASES = list({case.name: case for case in WITH_OUTPUT}.values())
MUTANTS = 2000
FILES = str(ROOT / "samples" / "files")


def sample(path: Path) -> Compiled:
    return compile_document(path.read_bytes(), path.name, Options(FILES))


def check(config: Any, back: Any) -> None:
    """That a config came back, perhaps in another spec."""
    assert meaning(back) == meaning(of_version(config, back["ignition"]["version"]))


def test_there_are_33_releases_to_come_back_through() -> None:
    assert len(OF_BUTANE) == 33


@pytest.mark.parametrize("case", WITH_OUTPUT, ids=lambda case: f"{case.name}-{case.release.name}")
def test_the_output_of_a_case_comes_back_through_its_own_variant(case: Case) -> None:
    compiled = compile_document(case.text.encode(), case.name, case.options._replace(raw=True))
    config = written(compiled)
    if case.release.dialect != "openshift":
        compiled = compile_document(json.dumps(config).encode(), "x.ign")
    found = decompiled(compiled, case.release.dialect)
    assert found.text is not None, found.diagnostics
    assert found.release is not None
    assert found.release.spec == case.release.spec
    assert meaning(config_of(found.text, case.options.files_dir)) == meaning(config)


@pytest.mark.parametrize("case", NEWEST_CASES, ids=lambda case: case.name)
def test_the_output_of_a_case_comes_back_through_every_release_that_can_hold_it(case: Case) -> None:
    compiled = compile_document(case.text.encode(), case.name, case.options)
    assert compiled.config is not None
    assert compiled.author is not None
    held = 0
    for release in OF_BUTANE:
        config, _ = as_openshift(compiled, compiled.author) if release.dialect == "openshift" else (without_sugar(compiled.config), [])  # fmt: skip
        if not problems(config, release, compiled.author):
            config = adapted(config, compiled.author.spec, release)
            text = yaml.document(butane_of(config, release, Contents(files=False)))
            check(as_written(config, release.spec), config_of(text))
            held += 1
    assert held


@pytest.mark.parametrize("variant", BUTANE)
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_comes_back_through_every_variant_that_can_hold_it(path: Path, variant: str) -> None:
    compiled = sample(path)
    found = decompiled(compiled, variant)
    if found.text is None:
        assert {why.code for why in found.diagnostics if why.severity == "error"} <= {
            "PV671",
            "PV672",
            "PV676",
            "PV678",
        }
        return
    config = written(compiled)
    if variant == "openshift":
        config.pop("kernelArguments", None)  # those of the MachineConfig are in a section of their own
    check(config, config_of(found.text, FILES))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_decompiling_what_was_decompiled_changes_nothing(path: Path) -> None:
    once = decompiled(sample(path))
    assert once.text is not None
    again = decompiled(compile_document(once.text.encode(), path.name, Options(FILES)))
    assert again.text == once.text


def with_data(config: Config, data: list[tuple[str, bool]], at: Spec) -> Config:
    """The config with data URLs for all sources, in turn packed and not, as far as the spec can say so."""
    rest = iter(data * 100)

    def resource(record: Any) -> Any:
        text, packed = next(rest)
        packed = packed and record.rows["compression"].shown(at)
        url = data_url((text * (9 if packed else 1)).encode(), may_compress=packed)
        return record.changed(source=url.source, compression=url.compression or None)

    return transform(config, {Resource: resource, FileContents: resource})


@pytest.mark.parametrize("release", OF_BUTANE, ids=lambda release: release.name)
@settings(max_examples=25)
@given(st.data())
def test_a_generated_config_of_a_release_comes_back(release: Release, data: st.DataObject) -> None:
    config = data.draw(configs(release.spec))
    config = config.changed(ignition=config.ignition.changed(version=full_version(release.spec)))
    if data.draw(st.booleans()):
        contents = st.lists(st.tuples(TEXTS.filter(lambda text: "\0" not in text), st.booleans()), min_size=1)
        config = with_data(config, data.draw(contents), release.spec)
    text = yaml.document(butane_of(config, release, Contents(files=False)))
    compiled = compile_document(text.encode(), "again.bu", Options(raw=True))
    strange = {found.code for found in compiled.diagnostics if found.code[:3] in ("PV0", "PV1", "PV2")}
    assert strange <= ({"PV203"} if release.name == "openshift 4.8.0" else set()), (strange, text)
    assert compiled.config is not None
    assert meaning(as_written(compiled.config, release.spec)) == meaning(as_written(config, release.spec))


@pytest.mark.parametrize("chunk", range(4))
def test_no_mutant_ends_in_an_exception_and_what_is_decompiled_can_be_transpiled(chunk: int) -> None:
    documents = sorted([*(ROOT / "samples").rglob("*.bu"), *CASES.glob("*.bu"), *CASES.glob("*.json")])
    done = 0
    for number in range(chunk, MUTANTS, 4):
        path = documents[number % len(documents)]
        data = mutant(path, number)
        variant = list(BUTANE)[number % len(BUTANE)]
        try:
            compiled = compile_document(data, path.name, Options(FILES, raw=True))
            found = decompiled(compiled, variant, files=number % 3 == 0)
            if found.text is not None and not found.files:
                check(written(compiled), config_of(found.text, FILES))
                done += 1
        except BaseException as error:
            error.add_note(f"{path.name}, mutant {number}: {data!r}")
            raise
    assert done > MUTANTS / 4 / 20
