"""A script as user-data: the command that runs it, since systemd may not run what lies below /var."""

import subprocess
from pathlib import Path

import pytest

from provision.transpile.compile import compile_document
from provision.transpile.script import SCRIPT
from provision.units import parse, split_words

LINES = {
    "#!/bin/sh\n": ["/bin/sh"],
    "#! /bin/bash -e\r\n": ["/bin/bash", "-e"],
    "#!/usr/bin/env -S bash -eu\n": ["/usr/bin/env", "-S bash -eu"],
    "#!/bin/sh  -e -u \t\n": ["/bin/sh", "-e -u"],
    "#!/bin/sh": ["/bin/sh"],
    "#!/usr/bin/env -S\n": ["/usr/bin/env", "-S"],
}


def command_of(text: str) -> list[str]:
    """The words that systemd runs for a script."""
    config = compile_document(text.encode(), "user-data").config
    assert config is not None
    return list(split_words(parse(config.systemd.units[0].contents or "").value("Service", "ExecStart") or ""))


@pytest.mark.parametrize("line", LINES)
def test_a_script_is_run_as_the_kernel_would_run_it(line: str) -> None:
    assert command_of(line) == [*LINES[line], SCRIPT]


def test_neither_a_specifier_nor_a_variable_is_filled_in_by_systemd() -> None:
    assert command_of("#!/bin/sh -x%n$HOME\n")[1] == "-x%%n$$HOME"


def test_an_interpreter_takes_its_argument_as_systemd_hands_it_over(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('#!/usr/bin/env -S bash -eu\necho "$-"\n')
    command = [str(script) if word == SCRIPT else word for word in command_of(script.read_text())]
    assert set("eu") <= set(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
