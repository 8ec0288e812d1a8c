"""QEMU's fw_cfg and ignition disk, BlueField's boot FIFO, and the file of the platform `file`."""

import os
from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine

from provision.apply.providers import PROVIDERS, asked
from provision.diagnostics import ProvisionError

FW_CFG = "/sys/firmware/qemu_fw_cfg"
ITEM = f"{FW_CFG}/by_name/opt/com.coreos/config"
DISK = "/dev/disk/by-id/virtio-ignition"
FIFO = "/sys/bus/platform/devices/MLNXBF04:00/bootfifo"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def item(machine: FakeMachine, content: bytes, size: bytes | None = None) -> None:
    """A firmware item of QEMU."""
    machine.put(f"{ITEM}/size", size if size is not None else b"%d\n" % len(content))
    machine.put(f"{ITEM}/raw", content)


@pytest.mark.parametrize("content", [CONFIG, b"x" * 4096, bytes(range(256)) * 5000, b"ends with NUL\0"])
def test_a_firmware_item_is_read_as_it_is(content: bytes, machine: FakeMachine) -> None:
    item(machine, content)
    assert asked(PROVIDERS["qemu"], machine.host(machine="x86_64", offline=True)) == content
    assert machine.calls == []


def test_an_empty_firmware_item_is_no_config(machine: FakeMachine) -> None:
    item(machine, b"")
    assert not asked(PROVIDERS["qemu"], machine.host(machine="x86_64"))


def test_no_firmware_item_is_no_config(machine: FakeMachine) -> None:
    (machine.root / FW_CFG[1:]).mkdir(parents=True)
    assert asked(PROVIDERS["qemu"], machine.host(machine="aarch64")) is None


def test_the_module_for_firmware_items_is_loaded_where_it_is_missing(machine: FakeMachine) -> None:
    machine.add(
        "modprobe",
        f"mkdir -p {machine.root}{ITEM}; printf 2 > {machine.root}{ITEM}/size; printf '{{}}' > {machine.root}{ITEM}/raw",
    )
    assert asked(PROVIDERS["qemu"], machine.host(machine="x86_64")) == b"{}"
    assert machine.calls == ["modprobe qemu_fw_cfg"]


def test_a_module_that_is_missing_is_an_error(machine: FakeMachine) -> None:
    machine.add("modprobe", "echo 'FATAL: Module qemu_fw_cfg not found.' >&2; exit 1")
    with pytest.raises(ProvisionError, match="Module qemu_fw_cfg not found"):
        asked(PROVIDERS["qemu"], machine.host(machine="x86_64"))


@pytest.mark.parametrize("size", [b"", b"many", b"-1", b"0x10", b"9" * 5000])
def test_a_size_that_is_no_number_is_an_error(size: bytes, machine: FakeMachine) -> None:
    item(machine, CONFIG, size)
    with pytest.raises(ProvisionError, match="its size is not a number"):
        asked(PROVIDERS["qemu"], machine.host(machine="x86_64"))


def test_a_size_above_the_limit_is_an_error(machine: FakeMachine) -> None:
    item(machine, CONFIG, b"%d" % (65 << 20))
    with pytest.raises(ProvisionError, match="more than 64 MiB, the limit for a config"):
        asked(PROVIDERS["qemu"], machine.host(machine="x86_64"))


@pytest.mark.parametrize(("by", "word"), [(-1, "more"), (1, "less")])
def test_an_item_of_another_length_than_its_size_is_an_error(by: int, word: str, machine: FakeMachine) -> None:
    item(machine, CONFIG, b"%d" % (len(CONFIG) + by))
    with pytest.raises(ProvisionError, match=f"has {word} than the {len(CONFIG) + by} bytes"):
        asked(PROVIDERS["qemu"], machine.host(machine="x86_64"))


def test_an_item_without_its_content_is_an_error(machine: FakeMachine) -> None:
    machine.put(f"{ITEM}/size", b"3")
    with pytest.raises(ProvisionError, match="raw cannot be opened: No such file"):
        asked(PROVIDERS["qemu"], machine.host(machine="x86_64"))


@pytest.mark.parametrize("architecture", ["s390x", "ppc64le"])
def test_machines_without_firmware_items_have_a_disk(architecture: str, machine: FakeMachine) -> None:
    item(machine, b"not this")
    machine.put(DISK, CONFIG + bytes(512 - len(CONFIG)))
    assert asked(PROVIDERS["qemu"], machine.host(machine=architecture)) == CONFIG
    assert machine.calls == ["modprobe virtio_blk"]


def test_a_driver_that_is_there_is_not_loaded(machine: FakeMachine) -> None:
    (machine.root / "sys/bus/virtio/drivers/virtio_blk").mkdir(parents=True)
    machine.put(DISK, CONFIG)
    assert asked(PROVIDERS["qemu"], machine.host(machine="s390x")) == CONFIG
    assert machine.calls == []


def test_a_disk_may_come_late(machine: FakeMachine) -> None:
    host = machine.host(machine="s390x", events={4: lambda: machine.put(DISK, CONFIG)})
    assert asked(PROVIDERS["qemu"], host) == CONFIG
    assert host.waits == 4


def test_a_disk_that_does_not_come_in_five_minutes_is_an_error(machine: FakeMachine) -> None:
    host = machine.host(machine="ppc64le", pace=0.0001)
    with pytest.raises(ProvisionError, match="did not appear in 300 s"):
        asked(PROVIDERS["qemu"], host)
    assert host.waits == 60


def test_the_nuls_of_a_large_disk_take_no_memory(machine: FakeMachine) -> None:
    import tracemalloc

    os.truncate(machine.put(DISK, CONFIG), 200 << 20)
    tracemalloc.start()
    assert asked(PROVIDERS["qemu"], machine.host(machine="s390x")) == CONFIG
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 << 20


def test_nuls_inside_of_a_config_stay(machine: FakeMachine) -> None:
    content = b"a" + bytes(3 << 20) + b"b"
    machine.put(DISK, content + bytes(1 << 20))
    assert asked(PROVIDERS["qemu"], machine.host(machine="s390x")) == content


def test_a_disk_with_too_much_on_it_is_an_error(machine: FakeMachine) -> None:
    with machine.put(DISK).open("r+b") as file:
        file.seek(65 << 20)
        file.write(b"x")
    with pytest.raises(ProvisionError, match="more than 64 MiB"):
        asked(PROVIDERS["qemu"], machine.host(machine="s390x"))


@pytest.mark.parametrize(
    ("content", "config"), [(CONFIG, CONFIG), (b"\0\0" + CONFIG + b"\0", CONFIG), (b"", None), (bytes(64), None)]
)
def test_a_boot_fifo_is_read_without_its_nuls(content: bytes, config: bytes | None, machine: FakeMachine) -> None:
    machine.put(FIFO, content)
    assert asked(PROVIDERS["nvidiabluefield"], machine.host()) == config
    assert machine.calls == ["modprobe mlxbf_bootctl"]


def test_no_boot_fifo_is_no_config(machine: FakeMachine) -> None:
    assert asked(PROVIDERS["nvidiabluefield"], machine.host()) is None


def test_a_boot_fifo_without_its_module_is_an_error(machine: FakeMachine) -> None:
    machine.add("modprobe", "exit 1")
    with pytest.raises(ProvisionError, match="modprobe ended with status 1"):
        asked(PROVIDERS["nvidiabluefield"], machine.host())


def test_the_platform_file_reads_what_a_variable_names(machine: FakeMachine) -> None:
    place = machine.put("/somewhere/my.ign", CONFIG)
    assert asked(PROVIDERS["file"], machine.host(environ={"IGNITION_CONFIG_FILE": str(place)})) == CONFIG


def test_the_platform_file_reads_config_ign_without_the_variable(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put("/config.ign", CONFIG)
    monkeypatch.chdir(machine.root)
    assert asked(PROVIDERS["file"], machine.host(environ={"IGNITION_CONFIG_FILE": ""})) == CONFIG
    (machine.root / "config.ign").write_bytes(b"")
    assert asked(PROVIDERS["file"], machine.host()) == b""


def test_the_platform_file_without_its_file_is_an_error(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine.root)
    with pytest.raises(
        ProvisionError, match=r"the config config\.ign does not exist; IGNITION_CONFIG_FILE names another"
    ):
        asked(PROVIDERS["file"], machine.host())
