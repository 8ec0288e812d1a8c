"""The kernel command line, and the config that it names."""

from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine, Reply, metadata_server

from provision.apply import kernel_command_line
from provision.apply.fetch import NeedsNetwork, NotFound
from provision.apply.providers import from_kernel_command_line
from provision.diagnostics import ProvisionError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("quiet", ""),
        ("k=a", "a"),
        ("k=a k=b\n", "b"),
        ("k=a\tk=", "a"),
        ("k=a k", "a"),
        ("xk=a k.x=b", ""),
        ("k=a=b", "a=b"),
        ('k="a b"', '"a'),
    ],
)
def test_the_last_value_that_is_not_empty_counts(text: str, value: str) -> None:
    assert kernel_command_line.value(text, "k") == value


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("", False),
        ("root=/dev/sda ignition.firstboot", True),
        ("ignition.firstboot=1", True),
        ("ignition.firstboot=yes", True),
        ("ignition.firstboot=", False),
        ("ignition.firstboot=0", False),
        ("ignition.firstboot=no", False),
        ("ignition.firstboot=off", False),
        ("ignition.firstboot=off ignition.firstboot", True),
        ("ignition.firstboot ignition.firstboot=0", False),
        ("ignition.firstbooting", False),
    ],
)
def test_a_first_boot_is_asked_for_by_a_word_or_a_value_that_is_not_off(text: str, truth: bool) -> None:
    assert kernel_command_line.is_first_boot(text) is truth


def test_another_file_can_stand_for_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_bytes(b"ignition.platform.id=qemu \xff")
    text = kernel_command_line.read({"IGNITION_KERNEL_CMDLINE_PATH": str(tmp_path / "cmdline")})
    assert kernel_command_line.value(text, kernel_command_line.PLATFORM) == "qemu"


def test_the_kernels_own_command_line_is_read_without_the_variable() -> None:
    assert kernel_command_line.read({"IGNITION_KERNEL_CMDLINE_PATH": ""}) == Path("/proc/cmdline").read_text()


def test_a_command_line_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ProvisionError, match=r"cannot be read from /nowhere: No such file"):
        kernel_command_line.read({"IGNITION_KERNEL_CMDLINE_PATH": "/nowhere"})


def test_a_command_line_without_a_config_leaves_it_to_the_next(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"quiet ignition.config.url= ignition.config.device= ignition.config.path=\n")
    assert from_kernel_command_line(machine.host()) is None


def test_a_url_is_fetched_and_what_stands_beside_it_ignored(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.put("/proc/cmdline", b"ignition.config.url=data:,%7B%7D ignition.config.device=d ignition.config.path=/p")
    assert from_kernel_command_line(machine.host(offline=True)) == b"{}"
    assert "the device and path beside it are ignored" in capsys.readouterr().err


def test_a_url_without_content_is_an_empty_config_and_not_none(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.url=data:,")
    assert from_kernel_command_line(machine.host()) == b""


def test_a_url_that_cannot_be_taken_apart_is_passed_over(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.put("/proc/cmdline", b"ignition.config.url=data:,first ignition.config.url=http://secret@[::1/x")
    assert from_kernel_command_line(machine.host()) == b"first"
    said = capsys.readouterr().err
    assert "passed over" in said
    assert "secret" not in said


def test_a_remote_url_needs_the_network(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.url=http://127.0.0.1/config.ign")
    with pytest.raises(NeedsNetwork):
        from_kernel_command_line(machine.host(offline=True))


def test_a_device_and_a_path_are_read_from_the_mounted_device(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.device=CONFIG ignition.config.path=ignition//config.ign")
    machine.label("CONFIG", {"/ignition/config.ign": CONFIG})
    assert from_kernel_command_line(machine.host(offline=True)) == CONFIG
    assert machine.leftovers() == []


def test_a_path_cannot_lead_out_of_the_device(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.device=CONFIG ignition.config.path=../../../secret")
    machine.put("/secret", b"outside")
    machine.label("CONFIG", {"/secret": b"inside"})
    assert from_kernel_command_line(machine.host()) == b"inside"


def test_a_device_that_does_not_appear_is_an_error(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.device=CONFIG ignition.config.path=/config.ign")
    with pytest.raises(ProvisionError, match=r"/dev/disk/by-label/CONFIG did not appear in 30 s"):
        from_kernel_command_line(machine.host())


def test_a_device_is_polled_each_second_for_thirty(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.device=CONFIG ignition.config.path=/config.ign")
    host = machine.host()
    with pytest.raises(ProvisionError):
        from_kernel_command_line(host)
    assert host.waits == 30


def test_a_device_without_the_file_is_an_error(machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", b"ignition.config.device=CONFIG ignition.config.path=/config.ign")
    machine.label("CONFIG", {"/other": b""})
    with pytest.raises(ProvisionError, match=r"the device CONFIG has no /config\.ign"):
        from_kernel_command_line(machine.host())


@pytest.mark.parametrize("words", ["ignition.config.device=CONFIG", "ignition.config.path=/config.ign"])
def test_one_of_the_two_alone_is_an_error(words: str, machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", words.encode())
    with pytest.raises(ProvisionError, match="give both"):
        from_kernel_command_line(machine.host())


@pytest.mark.parametrize("label", ["a/b", "/etc/passwd", "..", ".", "../x"])
def test_a_label_that_leads_out_of_its_folder_is_refused(label: str, machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", f"ignition.config.device={label} ignition.config.path=/config.ign".encode())
    with pytest.raises(ProvisionError, match="is not a single name"):
        from_kernel_command_line(machine.host())


@pytest.mark.parametrize("label", ["config-2.1", "foo..bar"])
def test_a_label_with_dots_is_fine(label: str, machine: FakeMachine) -> None:
    machine.put("/proc/cmdline", f"ignition.config.device={label} ignition.config.path=/config.ign".encode())
    machine.label(label, {"/config.ign": CONFIG})
    assert from_kernel_command_line(machine.host()) == CONFIG


def test_a_url_that_is_not_found_is_an_error(machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        machine.put("/proc/cmdline", f"ignition.config.url={server.origin}/config.ign".encode())
        with pytest.raises(NotFound):
            from_kernel_command_line(machine.host())


def test_a_url_over_http_is_fetched(machine: FakeMachine) -> None:
    with metadata_server({"GET /config.ign": Reply(CONFIG)}) as server:
        machine.put("/proc/cmdline", f"ignition.config.url={server.origin}/config.ign".encode())
        assert from_kernel_command_line(machine.host()) == CONFIG
