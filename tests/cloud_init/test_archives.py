"""Archives of user-data: parts in every encoding, merged in order, with every problem at its place."""

import gzip
from email import encoders
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from cloud_init_contents import codes_of, compiled, script_of, text_of, units_of

from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.user_data import read_user_data

CONFIG = "#cloud-config\ntimezone: UTC\nsnap: {}\n"


def of_bytes(data: bytes, **options: str) -> Compiled:
    return compile_document(data, "user-data", Options(target_os="fcos", values=tuple(options.items())))


def multipart(*bodies: str, boundary: str = "==", line_end: str = "\n") -> bytes:
    """An archive of parts that are written with their headers."""
    head = f'Content-Type: multipart/mixed; boundary="{boundary}"\nMIME-Version: 1.0\n\n'
    text = head + "".join(f"--{boundary}\n{body}\n" for body in bodies) + f"--{boundary}--\n"
    return text.replace("\n", line_end).encode()


def part(text: str, kind: str = "text/cloud-config", **headers: str) -> str:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"Content-Type: {kind}\n{more}\n{text}"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_problem_of_a_part_stands_at_its_line_of_the_whole_file(line_end: str) -> None:
    data = multipart(part("#cloud-config\ntimezone: UTC\n"), part(CONFIG), line_end=line_end)
    found = of_bytes(data)
    lines = data.decode().replace("\r\n", "\n").split("\n")
    assert codes_of(found) == [(lines.index("timezone: UTC", 10) + 1, "PV743"), (lines.index("snap: {}") + 1, "PV725")]
    assert found.diagnostics[1].path == "snap"
    assert {one.file for one in found.diagnostics} == {"user-data"}


def test_a_part_without_yaml_is_refused_at_its_line() -> None:
    found = of_bytes(multipart(part("#cloud-config\nusers: [\n"), part("#cloud-config\ntimezone: UTC\n")))
    assert [found.code for found in found.diagnostics] == ["PV002"]
    assert 5 < found.diagnostics[0].span.line < 10


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "gzip"])
def test_an_encoded_part_is_shown_as_a_file_of_its_own(encoding: str) -> None:
    archive = MIMEMultipart()
    archive.attach(MIMEText("#cloud-config\nlocale: de_DE.UTF-8\n", "cloud-config", "us-ascii"))
    inner = MIMEBase("application", "gzip") if encoding == "gzip" else MIMEBase("text", "cloud-config")
    inner.set_payload(gzip.compress(CONFIG.encode()) if encoding == "gzip" else CONFIG.encode())
    (encoders.encode_quopri if encoding == "quoted-printable" else encoders.encode_base64)(inner)
    archive.attach(inner)
    found = of_bytes(archive.as_bytes())
    (one,) = found.diagnostics
    assert (one.code, one.file, one.span.line, one.path) == ("PV725", "user-data (part 2)", 3, "snap")
    assert found.sources["user-data (part 2)"] == CONFIG
    assert found.sources["user-data"] == archive.as_string()


def test_a_whole_archive_may_be_gzip() -> None:
    assert codes_of(of_bytes(gzip.compress(multipart(part(CONFIG))))) == [(9, "PV725")]


def test_an_archive_in_an_archive_is_taken_apart() -> None:
    inner = multipart(part(CONFIG), boundary="inner").decode()
    found = of_bytes(multipart(inner.rstrip("\n"), part("#cloud-config\nlocale: de_DE.UTF-8\n")))
    assert [code for _, code in codes_of(found)] == ["PV725"]
    assert found.config is not None
    assert "/etc/locale.conf" in {file.path for file in found.config.storage.files}


def test_parts_are_told_by_their_beginning_where_the_type_is_plain() -> None:
    found = of_bytes(
        multipart(part("#cloud-config\ntimezone: UTC\n", "text/plain"), part("#!/bin/sh\necho hi\n", "text/plain"))
    )
    assert not found.diagnostics
    assert script_of(found, "scripts-1") == "#!/bin/sh\necho hi\n"


def test_scripts_of_all_kinds_become_services() -> None:
    found = of_bytes(
        multipart(
            part("#!/bin/bash\necho user\n", "text/x-shellscript", Content_Disposition='attachment; filename="10-a"'),
            part("#!/usr/bin/env bash\necho boot\n", "text/x-shellscript-per-boot"),
            part("#!/bin/sh\necho once\n", "text/x-shellscript-per-once"),
            part("#cloud-boothook\n#!/bin/sh\necho early\n", "text/cloud-boothook"),
        )
    )
    assert not found.diagnostics
    units = {name: unit.contents or "" for name, unit in units_of(found).items()}
    user, boot = (next(text for name, text in units.items() if key in name) for key in ("scripts", "per-boot"))
    once, early = (next(text for name, text in units.items() if key in name) for key in ("per-once", "boothook"))
    assert "ExecStart=/bin/bash /etc/provision/cloud-init/scripts-" in user
    assert "ExecStart=/usr/bin/env bash /etc/provision/cloud-init/per-boot-" in boot
    assert ["ConditionPathExists" in text for text in (user, boot, once, early)] == [True, False, True, False]
    assert "Before=sysinit.target" in early


def test_scripts_run_in_the_order_of_their_names_and_runcmd_among_them() -> None:
    names = ["zz", "aa", "mm"]
    bodies = [
        part(f"#!/bin/sh\necho {name}\n", "text/x-shellscript", Content_Disposition=f'attachment; filename="{name}"')
        for name in names
    ]
    found = of_bytes(multipart(*bodies, part("#cloud-config\nruncmd: [echo]\n")))
    units = units_of(found)
    order = [name for name in units if "scripts" in name or "runcmd" in name]
    shown = [
        text_of(found, f"/etc/provision/cloud-init/{name[11:-8]}").split()[-1] for name in order if "scripts" in name
    ]
    assert shown == ["aa", "mm", "zz"]
    assert order.index("cloud-init-runcmd.service") == 2
    assert f"After={order[2]}\n" in (units[order[3]].contents or "")


def test_a_script_without_a_first_line_is_an_error() -> None:
    found = of_bytes(multipart(part("echo hi\n", "text/x-shellscript-per-boot")))
    assert [code for _, code in codes_of(found)] == ["PV728"]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("list(append)+dict(recurse_list)+str()", ["a", "b", "c"]),
        ("list(prepend)+dict(recurse_list)", ["b", "c", "a"]),
        ("list(replace)+dict(recurse_list)", ["b"]),
        ("list(no_replace)+dict(recurse_list)", ["a"]),
        ("dict(no_replace)", ["a"]),
        ("dict(replace)", ["b", "c"]),
    ],
)
def test_parts_are_merged_as_they_ask_for(how: str, wanted: list[str]) -> None:
    later = f"#cloud-config\nmerge_how: {how}\nruncmd: [b, c]\n"
    found = of_bytes(multipart(part("#cloud-config\nruncmd: [a]\n"), part(later)))
    assert script_of(found, "runcmd").split("\n")[1:-1] == wanted
    by_header = part("#cloud-config\nruncmd: [b, c]\n", Merge_Type=how)
    found = of_bytes(multipart(part("#cloud-config\nruncmd: [a]\n"), by_header))
    assert script_of(found, "runcmd").split("\n")[1:-1] == wanted


def test_merging_goes_into_mappings() -> None:
    how = "merge_how:\n  - {name: list, settings: [append]}\n  - {name: dict, settings: [recurse_list]}\n"
    one = "#cloud-config\nntp: {servers: [a.example.com]}\n"
    two = f"#cloud-config\n{how}ntp: {{servers: [b.example.com], pools: [pool.example.com]}}\n"
    text = text_of(of_bytes(multipart(part(one), part(two))), "/etc/chrony.conf")
    assert text.split("\n")[:3] == [
        "pool pool.example.com iburst",
        "server a.example.com iburst",
        "server b.example.com iburst",
    ]


@pytest.mark.parametrize("how", ["list(append)", "nonsense", "set(append)+dict()"])
def test_a_way_of_merging_that_cannot_be_read_is_an_error(how: str) -> None:
    found = of_bytes(
        multipart(part("#cloud-config\ntimezone: UTC\n"), part(f"#cloud-config\nmerge_how: {how}\nlocale: C\n"))
    )
    assert [code for _, code in codes_of(found)] == ["PV728"]


def test_a_key_that_was_deleted_may_come_again() -> None:
    how = "merge_how: dict(allow_delete,recurse_list)+list(append)\n"
    bodies = ("timezone: UTC\nhostname: a\n", f"{how}timezone: null\n", f"{how}timezone: Europe/Berlin\n")
    found = of_bytes(multipart(*(part(f"#cloud-config\n{body}") for body in bodies)))
    assert found.config is not None
    assert [link.target for link in found.config.storage.links] == ["../usr/share/zoneinfo/Europe/Berlin"]


def test_archives_in_archives_have_a_limit() -> None:
    text = CONFIG
    for _ in range(1200):
        text = "#cloud-config-archive\n- |\n" + "".join(f" {line}\n" for line in text.splitlines())
    assert [code for _, code in codes_of(of_bytes(text.encode()))] == ["PV741"]


def test_a_part_for_one_instance_is_taken_for_that_instance_only() -> None:
    data = multipart(part("#cloud-config\ntimezone: UTC\n"), part("#cloud-config\nlocale: C\n", Launch_Index="1"))
    assert [code for _, code in codes_of(of_bytes(data))] == ["PV732"]
    for index, present in (("0", False), ("1", True)):
        found = of_bytes(data, launch_index=index)
        assert not found.diagnostics
        assert found.config is not None
        assert ("/etc/locale.conf" in {file.path for file in found.config.storage.files}) is present


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"Content-Type: multipart/mixed\nMIME-Version: 1.0\n\n--x\n", "PV741"),
        (multipart(), "PV741"),
        (multipart(part("!!!!", Content_Transfer_Encoding="base64")), "PV741"),
        (multipart(part("x", Content_Transfer_Encoding="uuencode")), "PV741"),
        (multipart(part("\x1f", "application/gzip")), "PV742"),
        (multipart(part("#cloud-config\n- a\n")), "PV201"),
        (b"#cloud-config-archive\na: b\n", "PV741"),
        (b"#cloud-config-archive\n- [a]\n", "PV741"),
        (b"#include\nhttps://example.com\n", "PV740"),
        (b"#include-once https://example.com\n", "PV740"),
        (b"#part-handler\nimport os\n", "PV740"),
        (b"#cloud-config-jsonp\n[]\n", "PV740"),
        (b"## template: jinja\n#cloud-config\nhostname: {{ v1.name }}\n", "PV740"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_by_name(data: bytes, code: str) -> None:
    found = of_bytes(data)
    assert code in [one for _, one in codes_of(found)]
    assert found.failed


def test_an_archive_that_is_cut_off_is_warned_of() -> None:
    data = multipart(part("#cloud-config\ntimezone: UTC\n")).removesuffix(b"--==--\n")
    found = of_bytes(data)
    assert codes_of(found) == [(1, "PV741")]
    assert not found.failed


@pytest.mark.parametrize(
    "data",
    [
        b"#cloud-config\ntimezone: UTC\n",
        b"#!/bin/sh\n",
        b"",
        b"\xff\xfe",
        b"variant: fcos\n",
        b"a: b\n\nmime-version: 1\n",
    ],
)
def test_other_documents_are_no_archives(data: bytes) -> None:
    assert read_user_data(data, "a") is None


def test_literal_blocks_of_a_list_keep_their_lines_and_others_are_files_of_their_own() -> None:
    text = '#cloud-config-archive\n- |\n   #cloud-config\n   snap: {}\n- "#cloud-config\\nlandscape: {}"\n'
    found = compiled(text)
    assert [(one.file, one.span.line, one.span.column) for one in found.diagnostics] == [
        ("user-data.yaml", 4, 4),
        ("user-data.yaml (part 2)", 2, 1),
    ]
