"""What a caller says of a Container Linux Config: the platform, values, the system, where file systems are mounted."""

import pytest

from provision.transpile.author import Options
from provision.transpile.clc.disks import in_bytes
from provision.transpile.clc.dynamic_data import FIELDS, PLATFORMS
from provision.transpile.clc.references import normal
from provision.transpile.compile import Compiled, compile_document

MEMBER = "etcd:\n  listen_client_urls: http://0.0.0.0:2379\n  advertise_client_urls: http://{%s}:2379\n"


def compiled(text: str, options: Options) -> Compiled:
    return compile_document(text.encode(), "config.yaml", options)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("field", FIELDS)
def test_a_platform_tells_some_fields_and_refuses_the_others(platform: str, field: str) -> None:
    result = compiled(MEMBER % field, Options(platform=platform))
    variable = PLATFORMS[platform][FIELDS.index(field)]
    refused = [found.message for found in result.diagnostics if found.code == "PV687"]
    assert refused == ([] if variable else [f"{platform} does not tell its machines {{{field}}}"])
    if variable:
        assert f"http://${{{variable}}}:2379" in result.output().decode()


def test_a_value_is_filled_in_whatever_the_platform() -> None:
    for platform in (None, "ec2", "azure"):
        options = Options(platform=platform, values=(("public_ipv6", "2001:db8::1"),))
        output = compiled(MEMBER % "PUBLIC_IPV6", options).output()
        assert b"http://2001:db8::1:2379" in output
        assert b"coreos-metadata" not in output


def test_what_is_left_for_the_machine_beside_a_value_needs_the_platform() -> None:
    text = "etcd:\n  name: '{HOSTNAME}'\n  cors: '{PRIVATE_IPV4}'\n"
    values = (("PRIVATE_IPV4", "10.0.0.5"),)
    (found,) = compiled(text, Options(values=values)).diagnostics
    assert (found.code, found.span.line) == ("PV687", 2)
    output = compiled(text, Options(values=values, platform="gce")).output()
    assert b"${COREOS_GCE_HOSTNAME}" in output
    assert b"10.0.0.5" in output


@pytest.mark.parametrize("text", ["}{", "a{b", "a}b", "{{HOSTNAME}}", "{HOSTNAME"])
def test_braces_come_in_pairs(text: str) -> None:
    found = compiled(f"etcd:\n  name: '{text}'\n", Options(platform="ec2")).diagnostics
    assert {each.code for each in found} == {"PV687"}


@pytest.mark.parametrize(("system", "codes"), [(None, []), ("flatcar", []), ("fcos", ["PV698"]), ("ubuntu", ["PV698"])])
def test_a_section_for_another_system_is_told(system: str | None, codes: list[str]) -> None:
    found = compiled("update:\n  group: stable\n", Options(target_os=system)).diagnostics
    assert [each.code for each in found] == codes


@pytest.mark.parametrize(("system", "codes"), [("ubuntu", []), ("fcos", ["PV698"])])
def test_networkd_is_of_no_use_where_networkmanager_runs(system: str, codes: list[str]) -> None:
    text = "networkd:\n  units:\n    - name: 10-a.network\n      contents: |\n        [Match]\n        Name=eth0\n"
    found = compiled(text, Options(target_os=system)).diagnostics
    assert [each.code for each in found] == codes


def test_a_document_without_version_zero_is_refused_where_the_dialect_is_given() -> None:
    found = compiled("version: 1\npasswd: {}\n", Options(dialect="clc")).diagnostics
    assert [(each.code, each.span.line) for each in found] == [("PV202", 1)]
    assert not compiled("version: 0\npasswd: {}\n", Options(dialect="clc")).diagnostics


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("-0", 0), ("1B", 1), ("1KiB", 2**10), ("1KB", 2**10), ("1MiB", 2**20), ("1GiB512MiB", 1536 * 2**20),
        ("1.5GiB", 1536 * 2**20), (".5TiB", 2**39), ("2.GiB", 2**31), ("1PiB", 2**50), ("1EiB", 2**60), ("-1MiB", -(2**20)),
        ("1MB1KB", 2**20 + 2**10), ("1MiB1B", 2**20 + 1), ("", None), ("512", None), ("5G", None), ("2gib", None), ("10 GiB", None),
        ("GiB", None), ("1GiB1MB", None), ("8EiB", None), ("1iB", None), (".GiB", None), ("1.2.3GiB", None), ("0GiB0", None),
    ],
)  # fmt: skip
def test_a_size_is_a_sum_of_numbers_with_units(text: str, size: int | None) -> None:
    assert in_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("https://example.com/a", "https://example.com/a"), ("HTTP://Example.com/", "http://Example.com/"),
        ("https://example.com/a b", "https://example.com/a%20b"), ("https://example.com/%7Ea", "https://example.com/%7Ea"),
        ("https://example.com/%7Ea b", "https://example.com/~a%20b"), ("https://example.com/ü", "https://example.com/%C3%BC"),
        ("https://example.com", "https://example.com"), ("https://example.com?x=a b#c", "https://example.com?x=a b#c"),
        ("https://example.com/(a)!*'", "https://example.com/(a)!*'"), ("data:,a b", "data:,a b"),
    ],
)  # fmt: skip
def test_a_url_is_written_as_go_writes_it(text: str, again: str) -> None:
    assert normal(text) == again


def test_a_long_number_is_looked_through_once() -> None:
    assert in_bytes("9" * 200_000) is None
    assert in_bytes("9" * 200_000 + "GiB") is None
