"""VMware's guestinfo: by the backdoor, whose hypervisor is a fake behind the one instruction, and by vmware-rpctool."""

import gzip
import platform
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from provider_fakes import CONFIG, FakeMachine

from provision.apply.providers import asked, ovf
from provision.apply.providers.backdoor import CPUID, Instruction, Registers, is_vmware
from provision.apply.providers.vmware import Backdoor, Vmware
from provision.diagnostics import ProvisionError

DATA, ENCODING = "guestinfo.ignition.config.data", "guestinfo.ignition.config.data.encoding"
OVF = "guestinfo.ovfenv"
MAGIC, PORT, CHANNEL, COOKIE = 0x564D5868, 0x5658, 5, (0xAAAA5555, 0x5555AAAA)
SUCCESS, WAITING, CHECKPOINT = 0x1, 0x2, 0x10

NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
DEPLOYED = f"""<?xml version="1.0" encoding="UTF-8"?>
<Environment xmlns="{NAMESPACE}" xmlns:oe="{NAMESPACE}" xmlns:ve="http://www.vmware.com/schema/ovfenv" oe:id="x">
   <PlatformSection><Kind>VMware ESXi</Kind></PlatformSection>
   <PropertySection>
         <Property oe:key="hostname" oe:value="a &lt; b"/>
         <Property oe:key="guestinfo.ignition.config.data" oe:value="DATA"/>
         <Property oe:key="guestinfo.ignition.config.data.encoding" oe:value="ENCODING"></Property>
   </PropertySection>
</Environment>
"""


class FakeHypervisor:
    """What stands behind the instruction: variables, and channels that carry requests four bytes at a time."""

    def __init__(self, variables: dict[str, bytes]) -> None:
        self.variables = variables
        self.open = self.with_cookies = self.understands_cookies = True
        self.request, self.size, self.answer = b"", 0, b""
        self.open_channels = 0
        self.checkpoints: list[int] = []
        self.garbage: bytes | None = None
        self.refused: int | None = None

    def __call__(self, registers: Registers) -> Registers:
        """The instruction."""
        kind, command = registers.c >> 16, registers.c & 0xFFFF
        assert (registers.a, command, registers.d & 0xFFFF) == (MAGIC, 30, PORT)
        if kind == self.refused:
            return self.said(registers, 0)
        if kind in self.checkpoints:
            self.checkpoints.remove(kind)
            return self.said(registers, CHECKPOINT)
        if kind != 0:
            assert registers.d >> 16 == CHANNEL
            assert (registers.source, registers.target) == COOKIE
        return (self.opened, self.sized, self.took, self.waits, self.gives, self.done, self.closed)[kind](registers)

    def said(self, registers: Registers, status: int = SUCCESS, **more: int) -> Registers:
        """Registers after a step."""
        return registers._replace(c=status << 16 | 30, **more)

    def opened(self, registers: Registers) -> Registers:
        if registers.b & 1 << 31 and not self.understands_cookies:
            return self.said(registers, 0)
        assert registers.b & 0x7FFFFFFF == 0x49435052
        self.open_channels += 1
        return self.said(registers, d=CHANNEL << 16 | PORT, source=COOKIE[0], target=COOKIE[1])

    def sized(self, registers: Registers) -> Registers:
        self.request, self.size = b"", registers.b
        return self.said(registers)

    def took(self, registers: Registers) -> Registers:
        self.request += registers.b.to_bytes(4, "little")
        if len(self.request) >= self.size:
            self.answer = self.answered(self.request[: self.size])
        return self.said(registers)

    def answered(self, request: bytes) -> bytes:
        if self.garbage is not None:
            return self.garbage
        verb, name, *value = request.split(b" ", 2)
        if verb == b"info-set":
            self.variables[name.decode()] = value[0]
            return b"1 "
        assert verb == b"info-get"
        found = self.variables.get(name.decode())
        return b"0 No value found" if found is None else b"1 " + found

    def waits(self, registers: Registers) -> Registers:
        return self.said(registers, SUCCESS | (WAITING if self.answer else 0), b=len(self.answer), d=1 << 16 | PORT)

    def gives(self, registers: Registers) -> Registers:
        assert registers.b == SUCCESS
        word, self.answer = self.answer[:4].ljust(4, b"\xee"), self.answer[4:]
        return self.said(registers, b=int.from_bytes(word, "little"), d=2 << 16 | PORT)

    def done(self, registers: Registers) -> Registers:
        assert registers.b == SUCCESS
        return self.said(registers)

    def closed(self, registers: Registers) -> Registers:
        self.open_channels -= 1
        return self.said(registers)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def vmware(hypervisor: FakeHypervisor) -> Vmware:
    """The platform with a fake hypervisor."""
    return Vmware(find=lambda _: Backdoor(hypervisor))


def variables(data: bytes, encoding: bytes | None = None) -> dict[str, bytes]:
    """A config in guestinfo."""
    return {DATA: data} if encoding is None else {DATA: data, ENCODING: encoding}


def deployed(data: bytes, encoding: str) -> bytes:
    """An OVF environment with a config."""
    return DEPLOYED.replace("DATA", data.decode()).replace("ENCODING", encoding).encode()


ENCODED: list[tuple[str | None, Callable[[bytes], bytes]]] = [
    (None, bytes),
    ("", bytes),
    ("base64", b64encode),
    ("b64", b64encode),
    ("gzip", gzip.compress),
    ("gz", gzip.compress),
    ("gzip+base64", lambda data: b64encode(gzip.compress(data))),
    ("gzip+b64", lambda data: b64encode(gzip.compress(data))),
    ("gz+base64", lambda data: b64encode(gzip.compress(data))),
    ("gz+b64", lambda data: b64encode(gzip.compress(data))),
]


@pytest.mark.parametrize(("encoding", "encode"), ENCODED)
def test_the_config_is_a_variable_in_some_encoding(
    encoding: str | None, encode: Callable[[bytes], bytes], machine: FakeMachine
) -> None:
    hypervisor = FakeHypervisor(variables(encode(CONFIG), encoding if encoding is None else encoding.encode()))
    assert asked(vmware(hypervisor), machine.host(offline=True)) == CONFIG
    assert hypervisor.open_channels == 0


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 4095, 100_000])
def test_messages_of_any_length_arrive(length: int, machine: FakeMachine) -> None:
    assert asked(vmware(FakeHypervisor(variables(b"x" * length))), machine.host()) == b"x" * length


def test_no_variable_is_no_config(machine: FakeMachine) -> None:
    assert not asked(vmware(FakeHypervisor({})), machine.host())


@pytest.mark.parametrize("encoding", [b"zip", b"base64+gzip", b"BASE64", b"gzip+", b"\xff"])
def test_an_unknown_encoding_is_an_error(encoding: bytes, machine: FakeMachine) -> None:
    with pytest.raises(ProvisionError, match=r"encoding is '.*'; it takes base64, b64, gzip, gz, gzip\+base64"):
        asked(vmware(FakeHypervisor(variables(CONFIG, encoding))), machine.host())


@pytest.mark.parametrize(("encoding", "word"), [(b"base64", "base64"), (b"gzip", "gzip"), (b"gz+b64", "base64")])
def test_a_config_in_another_encoding_than_it_says_is_an_error(
    encoding: bytes, word: str, machine: FakeMachine
) -> None:
    with pytest.raises(ProvisionError, match=word) as caught:
        asked(vmware(FakeHypervisor(variables(CONFIG, encoding))), machine.host())
    assert "ignition" not in str(caught.value).replace("guestinfo", "")


def test_a_gzip_bomb_is_refused(machine: FakeMachine) -> None:
    with pytest.raises(ProvisionError, match="more than 64 MiB"):
        asked(vmware(FakeHypervisor(variables(gzip.compress(bytes(65 << 20), 1), b"gzip"))), machine.host())


def test_the_config_may_be_a_property_that_the_machine_was_deployed_with(machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor({OVF: deployed(b64encode(CONFIG), "base64")})
    assert asked(vmware(hypervisor), machine.host()) == CONFIG


def test_a_variable_is_preferred_to_a_property(machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor({OVF: deployed(b"property", "gzip"), **variables(CONFIG, b"")})
    assert asked(vmware(hypervisor), machine.host()) == CONFIG


def test_an_environment_that_is_damaged_is_told_and_ignored(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    hypervisor = FakeHypervisor({OVF: b"<Environment", **variables(CONFIG)})
    assert asked(vmware(hypervisor), machine.host()) == CONFIG
    assert "the OVF environment is damaged in line 1" in capsys.readouterr().err


def test_a_hypervisor_without_cookies_is_asked_without(machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor(variables(CONFIG))
    hypervisor.understands_cookies = False
    assert asked(vmware(hypervisor), machine.host()) == CONFIG


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_a_snapshot_in_the_middle_is_survived(kind: int, machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor(variables(CONFIG))
    hypervisor.checkpoints = [kind, kind]
    assert asked(vmware(hypervisor), machine.host()) == CONFIG
    assert hypervisor.open_channels == 0


def test_snapshots_without_an_end_are_an_error(machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor(variables(CONFIG))
    hypervisor.checkpoints = [2] * 9
    with pytest.raises(ProvisionError, match="the hypervisor was interrupted 3 times"):
        asked(vmware(hypervisor), machine.host())


@pytest.mark.parametrize("kind", range(6))
def test_a_refusal_at_any_step_is_an_error(kind: int, machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor(variables(CONFIG))
    hypervisor.refused = kind
    with pytest.raises(ProvisionError, match="the hypervisor refuses: its message channel cannot be"):
        asked(vmware(hypervisor), machine.host())
    assert hypervisor.open_channels == 0


@pytest.mark.parametrize("garbage", [b"?", b"2 x", b"1"])
def test_an_answer_that_makes_no_sense_is_an_error(garbage: bytes, machine: FakeMachine) -> None:
    hypervisor = FakeHypervisor({})
    hypervisor.garbage = garbage
    with pytest.raises(ProvisionError, match="an answer that makes no sense"):
        asked(vmware(hypervisor), machine.host())


def test_deleting_replaces_the_variables_and_prunes_the_properties(machine: FakeMachine) -> None:
    found = {OVF: deployed(b"topsecret", "base64"), **variables(CONFIG, b"")}
    vmware(FakeHypervisor(found)).delete(machine.host())
    assert (found[DATA], found[ENCODING]) == (b"e30K", b"base64")
    assert b"topsecret" not in found[OVF]
    assert b'oe:key="hostname" oe:value="a &lt; b"/>' in found[OVF]
    assert asked(vmware(FakeHypervisor(found)), machine.host()) == b"{}\n"


@pytest.mark.parametrize(
    "found", [{}, variables(b"e30K", b"base64"), {OVF: DEPLOYED.replace("ignition", "other").encode()}]
)
def test_deleting_nothing_writes_nothing(found: dict[str, bytes], machine: FakeMachine) -> None:
    before = dict(found)
    vmware(FakeHypervisor(found)).delete(machine.host())
    assert found == before


def test_deleting_leaves_an_encoding_that_is_right(machine: FakeMachine) -> None:
    found = variables(b64encode(CONFIG), b"base64")
    vmware(FakeHypervisor(found)).delete(machine.host())
    assert found == variables(b"e30K", b"base64")


REMOVED = [
    '<Property oe:key="KEY" oe:value="remove"/>',
    '<Property oe:key="KEY" oe:value="remove > this"/>',
    '<Property oe:key="KEY" oe:value="remove"></Property>',
    '<Property\n oe:key="KEY"><x y="remove"/></Property  >',
    '<oe:Property oe:key="KEY" oe:value="remove"/>',
]
KEPT = [
    '<Property ex:key="KEY" oe:value="keep"/>',
    '<Property key="KEY" oe:value="keep"/>',
    '<ex:Property oe:key="KEY" oe:value="keep"/>',
    '<Property oe:key="other" oe:value="keep"/>',
    "<!-- KEY remove -->",
    '<Other><Property oe:key="KEY"/></Other>',
]


@pytest.mark.parametrize(("element", "left"), [*((text, "") for text in REMOVED), *((text, text) for text in KEPT)])
def test_only_properties_of_the_right_namespace_are_pruned(element: str, left: str) -> None:
    document = f'<Environment xmlns="{NAMESPACE}" xmlns:oe="{NAMESPACE}" xmlns:ex="x:y"><PropertySection>%s</PropertySection></Environment>'
    for around in ("%s", "  %s\n  <Property oe:key='z'/>", "<Property oe:key='z'/>%s"):
        before = document % (around % element.replace("KEY", DATA))
        after = document % (around % left.replace("KEY", DATA))
        assert ovf.without(before.encode(), (DATA, ENCODING)) == after.encode()


@pytest.mark.parametrize("prefix", ["", "oe:", "ex:"])
def test_properties_are_read_in_whatever_namespace(prefix: str) -> None:
    document = (
        f'<Environment xmlns="{NAMESPACE}" xmlns:oe="{NAMESPACE}" xmlns:ex="x:y"><PropertySection>'
        f'<Property {prefix}key="a" {prefix}value="1&amp;2"/><Property/></PropertySection></Environment>'
    )
    assert ovf.properties(document.encode())["a"] == "1&2"


def test_what_follows_the_environment_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    assert ovf.properties(DEPLOYED.encode() + b"garbage")["hostname"] == "a < b"
    assert "damaged" in capsys.readouterr().err


def test_another_document_has_no_properties() -> None:
    assert ovf.properties(b"") == {}
    assert ovf.properties(b"<a><b><c/></b></a>") == {}


FAKE_RPCTOOL = """
case "$1" in
"log "*) exit 0;;
"info-get guestinfo.ignition.config.data") printf '%s\\n' "{}";;
"info-set guestinfo.ignition.config.data e30K") exit 0;;
"info-set guestinfo.ignition.config.data.encoding base64") exit 0;;
*) echo "No value found" >&2; exit 1;;
esac
"""


def test_without_the_backdoor_a_program_is_asked(machine: FakeMachine) -> None:
    machine.add("vmware-rpctool", FAKE_RPCTOOL)
    assert asked(Vmware(), machine.host(machine="aarch64")) == b"{}"
    assert [call for call in machine.calls if "info-get" in call] == [
        f"vmware-rpctool info-get {name}" for name in (OVF, DATA, ENCODING)
    ]


def test_a_program_that_cannot_reach_the_hypervisor_is_an_error(machine: FakeMachine) -> None:
    machine.add("vmware-rpctool", "echo 'Failed sending message to VMware.' >&2; exit 1")
    with pytest.raises(ProvisionError, match=r"vmware-rpctool ended with status 1: Failed sending"):
        asked(Vmware(), machine.host(machine="aarch64"))


def test_a_program_can_delete_the_variables(machine: FakeMachine) -> None:
    machine.add("vmware-rpctool", FAKE_RPCTOOL)
    Vmware().delete(machine.host(machine="aarch64"))
    assert [call for call in machine.calls if "info-set" in call] == [
        f"vmware-rpctool info-set {DATA} e30K",
        f"vmware-rpctool info-set {ENCODING} base64",
    ]


def test_a_program_is_not_handed_what_would_be_seen(machine: FakeMachine) -> None:
    machine.put("/ovf", deployed(b"topsecret", ""))
    machine.add("vmware-rpctool", f'case "$1" in "info-get {OVF}") cat {machine.root}/ovf;; esac')
    with pytest.raises(ProvisionError, match="cannot be written by vmware-rpctool without being shown"):
        Vmware().delete(machine.host(machine="aarch64"))
    assert not any("topsecret" in call for call in machine.calls)


def test_a_machine_that_is_no_guest_is_an_error(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_VMWARE_RPCTOOL", "/nowhere/rpctool")
    monkeypatch.setattr("provision.apply.providers.vmware.is_vmware", lambda _: False)
    with pytest.raises(ProvisionError, match="this machine is no VMware guest"):
        asked(Vmware(), machine.host())


def test_memory_that_may_not_be_executed_leaves_it_to_the_program(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    machine.add("vmware-rpctool", FAKE_RPCTOOL)
    monkeypatch.setattr("mmap.mmap", forbidden)
    architecture = platform.machine()
    assert asked(Vmware(), machine.host(machine=architecture)) == b"{}"
    assert ("backdoor cannot be used" in capsys.readouterr().err) == (architecture == "x86_64")


x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the machine code is for x86-64")


@x86_64
def test_the_machine_code_loads_and_stores_the_registers() -> None:
    # Around `nop` all come back; `xchg eax, esi` swaps two; the upper halves are dropped.
    assert Instruction(b"\x90")(Registers(1, 2, 3, 4, 5, 6)) == Registers(1, 2, 3, 4, 5, 6)
    swap = Instruction(b"\x96")
    assert swap(Registers(1, 2, 3, 4, 5, 6)) == Registers(5, 2, 3, 4, 1, 6)
    assert swap(Registers(a=0x1_0000_0007)).source == 7


@x86_64
def test_the_processor_itself_answers_in_the_registers() -> None:
    found = Instruction(CPUID)(Registers())
    vendor = b"".join(value.to_bytes(4, "little") for value in (found.b, found.d, found.c)).decode()
    assert f"vendor_id\t: {vendor}\n" in Path("/proc/cpuinfo").read_text()


def test_only_vmwares_hypervisor_is_one() -> None:
    def cpuid(vendor: bytes, *, virtual: bool = True) -> Callable[[Registers], Registers]:
        words = [int.from_bytes(vendor[at : at + 4], "little") for at in (0, 4, 8)]
        leaves = {1: Registers(c=virtual << 31), 0x40000000: Registers(b=words[0], c=words[1], d=words[2])}
        return lambda registers: leaves[registers.a]

    assert is_vmware(cpuid(b"VMwareVMware"))
    assert not is_vmware(cpuid(b"KVMKVMKVM\0\0\0"))
    assert not is_vmware(cpuid(b"VMwareVMware", virtual=False))
