"""samples/make-image: what it says of mistakes before it does anything, and how it judges a console. That its images boot is
shown by `make firstboot-demo`; tests/vm/firstboot has the stories.
"""

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "samples" / "make-image"
PROVISION = Path(sys.executable).parent / "provision"
SAMPLE = ROOT / "samples" / "first-boot.bu"


def make_image(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run it."""
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def module() -> Any:
    """The program as a module."""
    loader = SourceFileLoader("make_image", str(PROGRAM))
    made = ModuleType("make_image")
    made.__file__ = str(PROGRAM)
    exec(loader.source_to_code(PROGRAM.read_bytes(), str(PROGRAM)), made.__dict__)
    return made


def test_it_can_be_run_and_tells_how() -> None:
    assert os.access(PROGRAM, os.X_OK)
    ran = make_image("--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "samples/make-image machine.img web.bu --boot" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "IMAGE"),
        (["x.img", SAMPLE], "--embed CONFIG"),
        (["x.img", "--expect", "login"], "are for --boot"),
        (["x.img", "--size", "big"], "big is no size"),
        (["x.img", "--size", "500M"], "1280M at least"),
        (["x.img", "--dracut", "--initramfs-tools"], "not allowed with"),
        (["missing/x.img"], "no folder"),
        (["x.img", "--embed", "missing.bu"], "no config missing.bu"),
    ],
)
def test_a_mistake_is_told_before_any_work(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = make_image(*arguments, "--provision", PROVISION)
    assert ran.returncode == 2, ran
    assert said in ran.stderr
    assert not list(tmp_path.iterdir())


def test_an_image_that_is_there_is_not_made_again_unasked(tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    image.write_bytes(b"mine")
    ran = make_image(image, "--provision", PROVISION)
    assert (ran.returncode, image.read_bytes()) == (2, b"mine")
    assert "--anew" in ran.stderr


def test_a_config_with_errors_is_refused_before_any_work(tmp_path: Path) -> None:
    ran = make_image(
        tmp_path / "x.img", "--embed", ROOT / "samples" / "broken" / "relative-path.bu", "--provision", PROVISION
    )
    assert ran.returncode == 1
    assert "PV301" in ran.stderr
    assert not list(tmp_path.iterdir())


def test_missing_programs_are_named_with_their_packages(
    tmp_path: Path, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRMWARE", "/nowhere")
    options = {"image": tmp_path / "x.img", "provision": str(PROVISION), "boot": True, "embed": None, "config": None}
    namespace = module.argparse.Namespace(**options, anew=False, size=2048, files_dir=None)
    monkeypatch.setattr(module.shutil, "which", lambda program, **_: None)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    with pytest.raises(module.RefusedError) as refused:
        module.check(namespace)
    assert "sudo apt-get install" in str(refused.value)
    for package in ("mmdebstrap", "gdisk", "e2fsprogs", "dosfstools", "mtools", "qemu-system-x86", "ovmf"):
        assert package in str(refused.value)


def run_console(module: Any, script: str, expected: str, limit_s: float = 20) -> int:
    """What it says of a machine whose console is a script's output."""
    code: int = module.watched(["sh", "-c", script], expected, limit_s)
    return code


def test_a_console_is_watched_until_the_login_prompt(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    said = r"printf 'DEBUG    : noise\r\n\033[1;31mdone\033[0m\r\n\r\nDebian 12 host ttyS0\r\n\r\nhost login: '; exec sleep 60"
    assert run_console(module, said, "done") == 0
    shown = capsys.readouterr().out
    assert "  | done\n" in shown
    assert "  | host login: " in shown
    assert "noise" not in shown
    assert run_console(module, said, "something else") == 1
    assert "did not come before it" in capsys.readouterr().err


def test_a_first_boot_that_fails_and_a_machine_that_goes_off_are_told(
    module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = (
        "printf -- '----\\r\\nprovision: stage disks failed\\r\\n  cause      no disk\\r\\n----\\r\\n'; exec sleep 60"
    )
    assert run_console(module, failed, "done") == 1
    assert "the first boot failed" in capsys.readouterr().err
    assert run_console(module, "echo bye", "done") == 1
    assert "went off" in capsys.readouterr().err
    assert run_console(module, "exec sleep 60", "done", limit_s=0.2) == 1
    assert "there is no login prompt" in capsys.readouterr().err


def test_what_is_drawn_over_a_line_is_not_shown(module: Any) -> None:
    assert module.plain("  partition: 1 s\r\x1b[K  partition: 2 s\r\x1b[Kfinished\r") == "finished"


def test_the_demo_waits_for_what_the_sample_says() -> None:
    demo = (ROOT / "docs" / "firstboot-demo.sh").read_text()
    expected = demo.split("--expect '")[1].split("'")[0]
    assert f'echo "{expected}"' in SAMPLE.read_text()
    assert subprocess.run(["sh", "-n", ROOT / "docs" / "firstboot-demo.sh"]).returncode == 0
