"""Values, keys and places of a cloud-config that are easily got wrong."""

import pytest

from provision.transpile.compile import compile_document

NUMBER = "9" * 5000  # Python makes no number of so many digits
BROKEN = [
    ("write_files: [{path: /a, permissions: %s}]", "PV703"),
    ("write_files: [{path: /a, owner: '%s'}]", "PV706"),
    ("write_files: [{path: /a, owner: 'core:%s'}]", "PV706"),
]


@pytest.mark.parametrize(("text", "code"), BROKEN)
def test_a_number_of_any_length_is_told_as_what_it_is(text: str, code: str) -> None:
    compiled = compile_document(f"#cloud-config\n{text % NUMBER}\n".encode(), "user-data")
    assert [found.code for found in compiled.diagnostics] == [code]


def test_a_name_of_zero_is_a_name() -> None:
    compiled = compile_document(b'#cloud-config\ncoreos: {etcd2: {name: "0", heartbeat_interval: 0}}\n', "user-data")
    assert compiled.config is not None
    (unit,) = compiled.config.systemd.units
    assert unit.dropins[0].contents == '[Service]\nEnvironment="ETCD_NAME=0"\n'


@pytest.mark.parametrize("value", ["e5", ".", "1.2.3", "１"])
def test_a_number_needs_digits(value: str) -> None:
    text = f"#cloud-config\ncoreos: {{fleet: {{etcd_request_timeout: {value}}}}}\n"
    assert "PV703" in [found.code for found in compile_document(text.encode(), "user-data").diagnostics]


@pytest.mark.parametrize("value", ["2", "2.", ".5", "+2.5", "1_000.5", "1e3"])
def test_a_number_with_a_fraction_is_one(value: str) -> None:
    text = f"#cloud-config\ncoreos: {{fleet: {{etcd_request_timeout: {value}}}}}\n"
    assert "PV703" not in [found.code for found in compile_document(text.encode(), "user-data").diagnostics]


@pytest.mark.parametrize("key", ["write_files", "write-files"])
def test_a_list_with_a_dash_in_its_key_is_a_list_all_the_same(key: str) -> None:
    (found,) = compile_document(f"#cloud-config\n{key}: text\n".encode(), "user-data").diagnostics
    assert found.message.startswith("`write_files` must be a list")


def test_an_unknown_key_has_its_place_however_its_dashes_are_mixed() -> None:
    (found,) = compile_document(b"#cloud-config\nhostname: web\nmy-odd_key: 1\n", "user-data").diagnostics
    assert (found.code, found.span.line) == ("PV101", 3)


UNIT = """\
#cloud-config
coreos:
  units:
    - name: app.service
      content: |
        [Service]
        ExecStart=/opt/bin/app
      drop_ins:
        - name: 10-address.conf
          content: |
            [Service]
            ExecStart=
            ExecStart=/opt/bin/app $private_ipv4
"""


def test_a_command_of_a_drop_in_that_waits_for_an_address_is_told_at_its_own_line() -> None:
    (found,) = [each for each in compile_document(UNIT.encode(), "user-data").diagnostics if each.code == "PV721"]
    assert found.span.line == 13


def test_a_masked_unit_waits_for_no_address() -> None:
    text = UNIT.partition("      drop_ins")[0].replace("bin/app", "bin/app $private_ipv4") + "      mask: true\n"
    compiled = compile_document(text.encode(), "user-data")
    assert compiled.config is not None
    assert [unit.name for unit in compiled.config.systemd.units] == ["app.service"]
    assert not compiled.config.storage.files
