"""What a cloud-config may begin with, where no case can show it."""

from provision.transpile.author import Options
from provision.transpile.compile import compile_document


def test_an_empty_file_asks_for_nothing() -> None:
    compiled = compile_document(b"", "user-data", Options(dialect="cloud-config"))
    assert compiled.diagnostics == []
    assert compiled.output() == b'{"ignition":{"version":"3.3.0"}}\n'


def test_a_file_of_one_empty_line_has_no_header() -> None:
    compiled = compile_document(b"\n", "user-data", Options(dialect="cloud-config"))
    assert [found.code for found in compiled.diagnostics] == ["PV007"]
