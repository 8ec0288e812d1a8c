"""The command line of `ignition`: names, flags, exit codes, and the lines of its log. All are real processes."""

import os
import re
import subprocess
import syslog
from pathlib import Path

import pytest
from stages_machine import Machine, document, files, lines_with, machine, names_below

from provision import __version__
from provision.apply import command, log
from provision.diagnostics import ProvisionError

__all__ = ["machine"]

LINE = re.compile(r"^(EMERGENCY|ALERT    |CRITICAL |ERROR    |WARNING  |NOTICE   |INFO     |DEBUG    ): ")


# ---- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ignition", "provision-ignition"])
def test_the_name_says_that_stages_are_run(name: str, machine: Machine) -> None:
    ended = machine.call(name, "-stage", "fetch")
    assert ended.status == 2
    assert "-platform is missing" in ended.stderr


def test_the_name_says_that_a_config_is_judged(machine: Machine) -> None:
    machine.config.write_bytes(b"{}")
    ended = machine.call("ignition-validate", str(machine.config))
    assert (ended.status, ended.stderr) == (1, "")
    assert "ignition.version is missing" in ended.stdout


def test_the_name_says_that_a_config_is_applied(machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    ended = machine.call("ignition-apply", "--root", str(machine.root), str(machine.config))
    assert ended.status == 0, ended.said
    assert (machine.root / "etc/a").read_text() == "x"


def test_the_name_says_that_a_config_is_forgotten(machine: Machine) -> None:
    ended = machine.call("ignition-rmcfg", "--platform", "metal", "--log-to-stdout")
    assert ended.status == 1
    assert "metal" in ended.stderr


def test_an_unknown_name_runs_stages(machine: Machine) -> None:
    assert machine.call("ignition-experiment", "-version").stdout == f"provision {__version__}\n"


# ---- flags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dashes", ["-", "--"])
@pytest.mark.parametrize("joint", [" ", "="])
def test_flags_take_one_dash_or_two_and_values_behind_a_blank_or_an_equals_sign(
    dashes: str, joint: str, machine: Machine
) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    given = {
        "platform": "file", "stage": "fetch", "root": str(machine.root), "config-cache": str(machine.cache),
        "state-file": str(machine.state), "neednet": str(machine.neednet), "fetch-timeout": "1m30s",
    }  # fmt: skip
    words = [word for key, value in given.items() for word in f"{dashes}{key}{joint}{value}".split(" ")]
    ended = machine.call("ignition", *words, f"{dashes}log-to-stdout")
    assert ended.status == 0, ended.said
    assert machine.paths() == ["/etc/a"]
    assert LINE.match(ended.stdout)


@pytest.mark.parametrize("word", ["true", "1", "t", "T", "TRUE", "True"])
def test_a_switch_takes_what_go_takes_for_true(word: str, machine: Machine) -> None:
    assert machine.call("ignition", f"-version={word}").stdout == f"provision {__version__}\n"


@pytest.mark.parametrize("word", ["false", "0", "f", "F", "FALSE", "False"])
def test_a_switch_takes_what_go_takes_for_false(word: str, machine: Machine) -> None:
    ended = machine.call("ignition", f"-version={word}")
    assert (ended.status, ended.stdout) == (2, "")


USAGE = {
    "an unknown flag": (("-platform", "file", "-stage", "fetch", "-colour", "red"), "-colour"),
    "an abbreviated flag": (("-platform", "file", "-stage", "fetch", "-log"), "-log"),
    "a flag without its value": (("-platform", "file", "-stage"), "-stage"),
    "no platform": (("-stage", "fetch"), "-platform is missing"),
    "an empty platform": (("-platform=", "-stage", "fetch"), "-platform is missing"),
    "no stage": (
        ("-platform", "file"),
        "-stage is missing; there are fetch-offline, fetch, kargs, disks, mount, files",
    ),
    "an unknown stage": (("-platform", "file", "-stage", "fetsch"), "-stage fetsch: not a stage"),
    "an unknown stage among others": (("-platform", "file", "-stage", "fetch,,files"), "not a stage"),
    "a stage in capitals": (("-platform", "file", "-stage", "FETCH"), "-stage FETCH: not a stage"),
    "an unknown platform": (
        ("-platform", "toaster", "-stage", "fetch"),
        "-platform toaster: not known; there are akamai",
    ),
    "a switch with a word": (("-version=yes",), "yes"),
    "a timeout without a unit": (("-platform", "file", "-stage", "fetch", "-fetch-timeout", "20"), "-fetch-timeout 20"),
    "an empty timeout": (("-platform", "file", "-stage", "fetch", "-fetch-timeout="), "-fetch-timeout is empty"),
    "a source map that is missing": (("-platform", "file", "-stage", "fetch", "-source-map", "x"), "--source-map x"),
}


@pytest.mark.parametrize("name", USAGE)
def test_a_mistake_of_use_ends_with_2_and_touches_nothing(name: str, machine: Machine) -> None:
    words, message = USAGE[name]
    machine.config.write_bytes(document(files("/etc/a")))
    before = names_below(machine.folder)
    places = machine.arguments("fetch")
    ended = machine.call("ignition", *places[places.index("-root") :], *words)
    assert ended.status == 2, ended.said
    assert message in ended.stderr
    assert not {each for each in names_below(machine.folder) if "bare" not in each} - set(before)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2m", 120),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("90s", 90),
        ("1m1us", 60.000001),
        ("0", 0),
    ],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert command.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "m", "1x", "1.2.3s", "1 s", ".s", "s1", "-1s", "1m2"])
def test_what_is_no_duration_is_a_mistake_of_use(text: str) -> None:
    with pytest.raises(ProvisionError) as caught:
        command.duration(text)
    assert caught.value.exit_code == 2


def test_without_flags_paths_are_those_of_an_initramfs() -> None:
    options = command.stage_parser().parse_args([])
    assert (options.root, options.config_cache, options.state_file, options.neednet, options.fetch_timeout) == (
        "/", "/run/ignition.json", "/run/ignition/state", "/run/ignition/neednet", "2m",
    )  # fmt: skip


# ---- exit codes -----------------------------------------------------------------------------------------------------


def test_a_stage_that_fails_ends_with_1_and_a_block(machine: Machine) -> None:
    ended = machine.run("fetch", config=b"{")
    assert ended.status == 1
    assert ended.block["title"] == "provision: stage fetch failed"
    assert "not valid" in ended.block["cause"]
    assert "fetch failed" in lines_with("CRITICAL", ended.stdout)[-1]


def test_a_state_that_cannot_be_read_ends_with_3(machine: Machine) -> None:
    machine.state.parent.mkdir()
    machine.state.write_text("{")
    ended = machine.run("fetch", config=files("/etc/a"))
    assert ended.status == 3
    assert f"{machine.state}: the state of the earlier stages cannot be read" in ended.stderr
    assert not machine.cache.exists()


def test_a_stage_without_a_cached_config_fails_with_advice(machine: Machine) -> None:
    ended = machine.run("files")
    assert ended.status == 1
    assert "run a fetch stage first" in ended.block["cause"]


def test_a_cached_config_that_is_damaged_fails_the_stage(machine: Machine) -> None:
    machine.run("fetch", config=files("/etc/a"))
    machine.cache.write_bytes(machine.cache.read_bytes()[:-3])
    ended = machine.run("files")
    assert ended.status == 1
    assert "is damaged" in ended.block["cause"]
    assert not (machine.root / "etc/a").exists()


# ---- stages ---------------------------------------------------------------------------------------------------------


def test_several_stages_run_in_one_process_in_their_order(machine: Machine) -> None:
    ended = machine.run("fetch,kargs,disks,mount,files,umount", config=files("/etc/a"))
    assert ended.status == 0, ended.said
    passed = [line.partition(": ")[2] for line in lines_with(" passed", ended.stdout)]
    assert passed == [f"{each}: {each} passed" for each in ("fetch", "kargs", "disks", "mount", "files", "umount")]
    assert (machine.root / "etc/a").exists()


def test_the_first_stage_that_fails_is_the_last(machine: Machine) -> None:
    ended = machine.run("fetch,kargs,files", config={**files("/etc/a"), "kernelArguments": {"shouldExist": ["x"]}})
    assert ended.status == 1
    assert ended.block["title"] == "provision: stage kargs failed"
    assert ended.block["for"] == "kernelArguments"
    assert "ignition-kargs-helper was not found" in ended.block["cause"]
    assert not (machine.root / "etc/a").exists()


def test_each_stage_in_a_process_of_its_own_does_the_same(machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    for stage in ("fetch", "disks", "mount", "files", "umount"):
        assert machine.run(stage).status == 0
    assert (machine.root / "etc/a").exists()


def test_stages_without_a_root_may_be_given_an_empty_one(machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    arguments = [word if word != str(machine.root) else "" for word in machine.arguments("fetch,kargs,disks")]
    ended = machine.call("ignition", *arguments)
    assert ended.status == 0, ended.said


def test_kernel_arguments_go_to_the_helper_of_the_distribution(machine: Machine) -> None:
    machine.program("ignition-kargs-helper", 'printf "%s\\n" "$@" > $LOG')
    wanted = {"kernelArguments": {"shouldExist": ["quiet", "a=b c"], "shouldNotExist": ["debug"]}}
    assert machine.run("fetch,kargs", config=wanted).status == 0
    assert machine.log_of("ignition-kargs-helper").splitlines() == [
        "--should-exist", "quiet", "--should-exist", "a=b c", "--should-not-exist", "debug",
    ]  # fmt: skip


def test_without_kernel_arguments_the_helper_is_not_called(machine: Machine) -> None:
    machine.program("ignition-kargs-helper", "echo called > $LOG")
    assert machine.run("fetch,kargs", config=files("/etc/a")).status == 0
    assert machine.log_of("ignition-kargs-helper") == ""


def test_a_helper_that_fails_is_quoted(machine: Machine) -> None:
    machine.program("ignition-kargs-helper", "echo no boot loader here >&2; exit 7")
    ended = machine.run("fetch,kargs", config={"kernelArguments": {"shouldExist": ["x"]}})
    assert ended.status == 1
    assert ended.block["cause"] == "ignition-kargs-helper ended with status 7: no boot loader here"
    assert ended.block["operation"] == "kernel arguments: add x"


# ---- the log --------------------------------------------------------------------------------------------------------


def test_every_line_on_standard_output_has_a_level_and_no_control_characters(machine: Machine) -> None:
    machine.program("ignition-kargs-helper", "true")
    wanted = {**files("/etc/a\n\x1b[31mb"), "kernelArguments": {"shouldExist": ["x"]}}
    ended = machine.run("fetch,kargs,files", config=wanted)
    assert ended.status == 0, ended.said
    lines = ended.stdout.split("\n")[:-1]
    assert all(LINE.match(line) for line in lines), lines
    assert all(line.isprintable() for line in lines)
    assert lines[-1] == "INFO     : ignition finished successfully"


def test_an_operation_is_said_when_it_starts_and_when_it_ends(machine: Machine) -> None:
    machine.program("ignition-kargs-helper", "true")
    ended = machine.run("fetch,kargs", config={"kernelArguments": {"shouldExist": ["x"]}})
    lines = lines_with("kargs: op(1): ", ended.stdout)
    assert lines == [
        "INFO     : kargs: op(1): [started]  kernel arguments: add x",
        "INFO     : kargs: op(1): [finished] kernel arguments: add x",
    ]
    assert 'DEBUG    : kargs: executing: "ignition-kargs-helper" "--should-exist" "x"' in ended.stdout.splitlines()


def test_an_operation_that_fails_is_critical(machine: Machine) -> None:
    ended = machine.run("fetch,kargs", config={"kernelArguments": {"shouldExist": ["x"]}})
    assert "CRITICAL : kargs: op(1): [failed]   kernel arguments: add x" in ended.stdout.splitlines()


def test_a_run_that_succeeds_says_nothing_critical(machine: Machine) -> None:
    ended = machine.run("fetch,files", config=files("/etc/a", "/etc/b"))
    assert "CRITICAL" not in ended.said
    assert ended.stderr == ""


def test_operations_are_numbered_in_hexadecimal(machine: Machine) -> None:
    ended = machine.run("fetch,files", config=files(*(f"/etc/{number}" for number in range(16))))
    assert "files: op(10): [started]" in ended.stdout


@pytest.mark.skipif(Path(log.SOCKET).exists(), reason="needs a machine without a system log")
def test_without_a_system_log_the_lines_go_to_standard_output(machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    arguments = [word for word in machine.arguments("fetch") if word != "-log-to-stdout"]
    ended = machine.call("ignition", *arguments)
    assert ended.status == 0
    assert ended.stdout.endswith("INFO     : ignition finished successfully\n")


def test_with_a_system_log_the_lines_go_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, str]] = []
    opened: list[object] = []
    socket = tmp_path / "log"
    socket.touch()
    monkeypatch.setattr(log, "SOCKET", str(socket))
    monkeypatch.setattr(log.State, "sink", log.State.sink)
    # The system log is the outermost edge: what would go to the daemon is kept.
    monkeypatch.setattr(syslog, "openlog", lambda *how: opened.append(how))
    monkeypatch.setattr(syslog, "syslog", lambda level, text: said.append((level, text)))
    log.open_log(to_standard_output=False)
    with log.prefixed("files"), log.operation("write /etc/a"):
        log.warning("two\nlines, one with \x00 and one with \udc80")
    assert opened == [("ignition", syslog.LOG_PID, syslog.LOG_DAEMON)]
    levels, texts = zip(*said, strict=True)
    assert levels == (syslog.LOG_INFO, syslog.LOG_WARNING, syslog.LOG_INFO)
    assert texts[0].startswith("files: op(")
    assert texts[0].endswith("[started]  write /etc/a")
    assert "\x00" not in texts[1]
    assert texts[1].encode()


def test_a_name_that_is_not_unicode_does_not_end_the_log(machine: Machine) -> None:
    ended = machine.run(
        "fetch,files", config=b'{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a\\udc80"}]}}'
    )
    assert ended.status == 0
    assert "write /a\\udc80: " in ended.stdout


def test_standard_output_that_is_closed_does_not_end_the_run(machine: Machine) -> None:
    machine.config.write_bytes(document(files("/etc/a")))
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [machine.called("ignition"), *machine.arguments("fetch,files")], stdout=write, stderr=subprocess.PIPE,
            env=machine.environ, timeout=30, cwd=machine.folder, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    assert ended.returncode == 0
    assert ended.stderr == b"warning: the log cannot be written any more: Broken pipe\n"
    assert (machine.root / "etc/a").exists()
