"""What templates can say: outputs, filters, tests, functions; and what they can't."""

import ipaddress
import json
import os
import re
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates_shared import HEAD, place, problem, problems, rendered, result, template

from provision.document import read
from provision.document.nodes import NodeSource
from provision.passwords import ROUNDS, crypt_sha512
from provision.templates.filters import password_hash
from provision.templates.layers import PlainLayer
from provision.templates.parameters import plain
from provision.templates.rendering import compile_template, render
from provision.templates.values import Values
from provision.templates.yaml_text import lines, to_yaml
from provision.transpile.author import Options

# ---- outputs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ 'a' }}", "a"),
        ("{{ 5 }} {{ 1.5 }}", "5 1.5"),
        ("{{ true }} {{ false }}", "true false"),
        ("a\n{% if true %}\n  b\n{% endif %}\nc\n", "a\n  b\nc\n"),
        ("a {# gone #}b\n", "a b\n"),
        ("{% set x = 'é<>&\"' %}{{ x }}", 'é<>&"'),
        ("{{ 'x' if false }}|", "|"),
        ("{{ range(3) | join(',') }}", "0,1,2"),
        ("no end of line", "no end of line"),
    ],
)
def test_outputs(body: str, text: str) -> None:
    assert result(body) == text


def test_a_key_of_a_mapping_comes_before_its_methods() -> None:
    values = {"x": {"items": 1, "keys": {"get": 2}, "other": 3}}
    assert (
        result("{{ x.items }} {{ x.keys.get }} {{ x['other'] }} {{ x.values() | list | length }}", values) == "1 2 3 3"
    )


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("none", "null"), ("[1]", "a list"), ("(1, 2)", "a list"), ("{'a': 1}", "a mapping"), ("range", "a function"),
        ("['a'] | map('upper')", "a list that is not made yet"), ("namespace()", "something that is no text"),
    ],
)  # fmt: skip
def test_what_has_no_one_spelling_is_refused(expression: str, said: str) -> None:
    found = problem(f"{{{{ {expression} }}}}")
    assert place(found) == ("PV786", "lib/t.bu.j2", 2, 1)
    assert said in found.message


@pytest.mark.parametrize(
    "gone", ["random", "escape", "safe", "urlize", "xmlattr", "striptags", "pprint", "tojson", "forceescape", "e"]
)
def test_filters_for_other_uses_are_not_there(gone: str) -> None:
    assert place(problem(f"{{{{ 'a' | {gone} }}}}")) == ("PV780", "lib/t.bu.j2", 2, 10)
    assert place(problem("{{ lipsum() }}"))[0] == "PV782"


# ---- undefined names and syntax ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "column", "said", "hint"),
    [
        ("{{ hostnam }}", 4, "`hostnam` is not defined", "did you mean `hostname`?"),
        ("{{ zzz }}", 4, "`zzz` is not defined", "known here: disk, hostname"),
        ("{% if false %}{{ hostnam }}{% endif %}", 18, "`hostnam` is not defined", "did you mean `hostname`?"),
        ("{{ disk.sise }}", 9, "the mapping has no key `sise`", "did you mean `size`?"),
        ("{{ disk.q }}", 9, "the mapping has no key `q`", "its keys are size"),
        ("{{ disk.size.x }}", 14, "an integer has no `x`", None),
        ("{{ [1][3] }}", 1, "the list has 1 elements; there is no `3`", None),
        ("{% for x in xs %}{% endfor %}", 13, "`xs` is not defined", "did you mean `x`?"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", 12, "the macro's `a` was not given", None),
        ("{% from 'part.j2' import gone %}{{ gone() }}", 26, "the imported file has no `gone`", None),
        ("{{ hostname | uper }}", 15, "there is no filter `uper`", "did you mean `upper`?"),
        ("{% if hostname is defind %}{% endif %}", 19, "there is no test `defind`", "did you mean `defined`?"),
    ],
)
def test_a_name_that_is_not_there_is_pointed_at(body: str, column: int, said: str, hint: str | None) -> None:
    found = problem(body, {"hostname": "box", "disk": {"size": 1}}, part="x")
    assert (found.span.line, found.span.column, found.message, found.hint) == (2, column, said, hint)
    assert found.code == ("PV780" if "filter" in said or "test" in said else "PV782")


def test_all_misspelt_names_are_told() -> None:
    found = problems("{{ aa }}\n{{ 'x' | bb }}\n{% if 1 is cc %}{% endif %}")
    assert [(each.code, each.span.line) for each in found] == [("PV782", 2), ("PV780", 3), ("PV780", 4)]


@pytest.mark.parametrize(
    "body",
    [
        "{% if x is defined %}y{% endif %}", "{{ x.y | default('z') }}", "{% set y = 1 %}{{ y }}",
        "{% for i in x %}{{ loop.index }}{% endfor %}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}a{% endcall %}",
        "{% macro m() %}{{ varargs | length }}{{ kwargs | length }}{% endmacro %}{{ m(1, a=2) }}",
        "{% import 'part.j2' as part %}{{ part.word() }}", "{% from 'part.j2' import word as w %}{{ w() }}",
        "{% block b %}a{% endblock %}{{ self.b() }}", "{% with z = 1 %}{{ z }}{% endwith %}",
    ],
)  # fmt: skip
def test_names_that_are_there_are_no_mistake(body: str) -> None:
    assert not problems(body, {"x": {}}, part="{% macro word() %}w{% endmacro %}")


@pytest.mark.parametrize(
    ("body", "line", "column", "said"),
    [
        ("{{ a + }}", 2, 8, "not a template: an expression is missing or cut off"),
        ("{{ }}", 2, 4, "not a template: an expression is empty"),
        ("{{ a }", 2, 6, "not a template: a bracket is closed that was not opened"),
        ("{{ a ) }}", 2, 6, "not a template: a bracket is closed that was not opened"),
        ("x\n{% if 1 %}\ny\n", 3, 1, "`{% if %}` has no end"),
        ("{% for i in [1] %}{% if i %}\n{% endfor %}", 3, 4, "`{% endfor %}` ends nothing: no tag that it belongs to is open here"),
        ("{% set a %}\nx", 2, 1, "`{% set %}` has no end"),
        ("{% set a = 1 %}{% macro m() %}", 2, 16, "`{% macro %}` has no end"),
        ("{% foo %}", 2, 4, "there is no tag `foo`"),
        ("{% endif %}", 2, 4, "`{% endif %}` ends nothing: no tag that it belongs to is open here"),
        ("{% else %}", 2, 4, "`{% else %}` ends nothing: no tag that it belongs to is open here"),
        ("a\n{{ 'abc }}", 3, 4, "not a template: a character that has no meaning in an expression"),
        ("a\n\n  {# open", 4, 3, "not a template: a comment is not closed"),
        ("{% raw %}x", 2, 1, "not a template: a `{% raw %}` is not closed"),
        ("{{ a b }}", 2, 6, "not a template: an expression does not end where it could"),
        ("{% include %}", 2, 12, "not a template: an expression is missing or cut off"),
        ("{% for x of y %}{% endfor %}", 2, 10, "not a template: a `for` has no `in`"),
        ("{% block a %}{% endblock %}{% block a %}{% endblock %}", 2, 31, "not a template: a block is defined twice"),
        ("{{ a", 2, 1, "a tag is not closed"),
        ("{% set 5 = 1 %}", 2, 8, "not a template: a `set` or `for` can't give a value to this"),
    ],
)  # fmt: skip
def test_syntax_is_told_where_it_is_wrong(body: str, line: int, column: int, said: str) -> None:
    found = problem(body)
    assert (found.code, found.span.line, found.span.column, found.message) == ("PV780", line, column, said)


def test_syntax_of_an_included_file_is_told_in_that_file() -> None:
    found = problem("{% include 'part.j2' %}", part="x\n{% if %}{% endif %}")
    assert (found.code, found.file, found.span.line) == ("PV780", "lib/part.j2", 2)


# ---- the sandbox ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__", "x.__class__", "x.__init__.__globals__", "''['__class__']", "x | attr('__class__')", "range.__globals__",
        "file.__self__", "fail.__globals__", "x.append(1)", "x.clear()", "cycler.__init__", "'{0.__class__}'.format(x)", "x.sort()",
        "self.__class__", "loop", "x.__reduce__", "(x | to_yaml)._runs",
    ],
)  # fmt: skip
def test_the_sandbox_gives_no_way_out(expression: str) -> None:
    found = problem(f"{{{{ {expression} }}}}", {"x": [1]})
    assert found.code in ("PV782", "PV786")
    assert found.span.line == 2


def test_values_are_not_changed_by_a_template() -> None:
    assert problem("{% set _ = x.update({'b': 2}) %}", {"x": {"a": 1}}).message == "the sandbox does not allow this"


def test_includes_stay_in_the_library(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "secret.j2").write_text("secret")
    (tmp_path / "lib" / "link.j2").symlink_to("../secret.j2")
    (tmp_path / "lib" / "inside.j2").write_text("in")
    (tmp_path / "lib" / "alias.j2").symlink_to("inside.j2")
    (tmp_path / "lib" / "sub").mkdir()
    (tmp_path / "lib" / "sub" / "deep.j2").write_text("deep {% include 'inside.j2' %}")
    from provision.templates.library import Folder, Template

    def of(name: str) -> tuple[str | None, list[str]]:
        (tmp_path / "lib" / "t.bu.j2").write_text(f"{HEAD}{{% include '{name}' %}}")
        found = render(Template(Folder(str(tmp_path / "lib")), "t.bu.j2"))
        return found.text, [each.code for each in found.diagnostics]

    assert of("inside.j2") == ("in", [])
    assert of("alias.j2") == ("in", [])
    assert of("sub/deep.j2") == ("deep in", [])
    for name in (
        "../secret.j2",
        "link.j2",
        str(tmp_path / "secret.j2"),
        "sub/../../secret.j2",
        "gone.j2",
        "a\\\\b",
        "",
    ):
        assert of(name) == (None, ["PV788"]), name


def test_a_missing_file_names_the_one_that_is_meant() -> None:
    found = problem("{% include 'prat.j2' %}", part="x")
    assert (place(found), found.hint) == (("PV788", "lib/t.bu.j2", 2, 13), "did you mean `part.j2`?")
    assert result("a{% include 'gone.j2' ignore missing %}b") == "ab"
    assert problem("{% extends 'gone.j2' %}").code == "PV788"
    assert problem("{% import ['a.j2', 'b.j2'] as x %}").code in ("PV786", "PV788")


def test_inheritance_works() -> None:
    base = "one\n{% block middle %}base\n{% endblock %}\nthree\n"
    body = "{% extends 'base.j2' %}{% block middle %}{{ super() }}two\n{% endblock %}"
    found = rendered(HEAD + body, base=base)
    assert found.text == "one\nbase\ntwo\nthree\n"
    assert [(place.file, place.span.line) for place in found.lines()][:4] == [
        ("lib/base.j2", 1), ("lib/base.j2", 2), ("lib/t.bu.j2", 2), ("lib/base.j2", 4),
    ]  # fmt: skip


# ---- file() and fail() ------------------------------------------------------------------------------------------


def test_file_reads_from_the_files_directory_alone(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("content\n")
    (folder / "sub" / "b").write_text("b")
    (folder / "binary").write_bytes(b"\xff")
    (folder / "link").symlink_to("a")
    (folder / "out").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")

    def of(name: str, files_dir: str | None = str(folder)) -> tuple[str | None, list[tuple[str, int]]]:
        found = render(template(f"{HEAD}x\n{{{{ file('{name}') }}}}"), Values(), files_dir)
        return found.text, [(each.code, each.span.line) for each in found.diagnostics]

    assert of("a") == ("x\ncontent\n", [])
    assert of("/a") == of("link") == of("sub/../a") == of("a")
    assert of("a", None) == (None, [("PV606", 3)])
    for name in ("../x", "out", "/../../etc/passwd", "sub/../../x"):
        assert of(name) == (None, [("PV607", 3)]), name
    for name in ("gone", "sub", "pipe", "binary", "a/b"):
        assert of(name) == (None, [("PV608", 3)]), name
    assert place(problem("{{ file(5) }}"))[0] == "PV786"


def test_fail_says_what_the_template_wants() -> None:
    found = problem("{% if x > 1 %}{{ fail('x is ' ~ x ~ ', too much') }}{% endif %}", {"x": 2})
    assert (place(found), found.message) == (("PV786", "lib/t.bu.j2", 2, 18), "x is 2, too much")


# ---- filters ----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=12) | st.floats(allow_nan=False, allow_infinity=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(JSON)
def test_to_yaml_is_read_back_as_the_same(value: object) -> None:
    document = read(
        ("x:\n" + "\n".join(f"  {line}" if line else "" for line in lines(value)) + "\n").encode("utf-8", "replace"),
        "x",
    )
    if has_odd(value):
        return
    assert not [found for found in document.diagnostics if found.severity == "error"]
    assert document.root is not None
    assert plain(document.root, {}, NodeSource(document)) == {"x": value}


def has_odd(value: object) -> bool:
    """Whether a value has what YAML texts of ours don't carry as it is: surrogates, control characters in keys."""
    text = json.dumps(value)
    return "\\ud" in text or '"<<":' in text or "\\ufffe" in text or "\\uffff" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"), ("a: b", '"a: b"'), ("yes", '"yes"'), ("0644", '"0644"'), ("", '""'), ("two\nlines\n", '"two\\nlines\\n"'),
        (5, "5"), (True, "true"), (None, "null"), ([], "[]"), ({}, "{}"), (["a", [1, 2]], "- a\n- - 1\n  - 2"),
        ({"a": {"b": "x\ny\n"}, "c": [{"d": 1, "e": 2}]}, "a:\n  b: |\n    x\n    y\nc:\n  - d: 1\n    e: 2"),
    ],
)  # fmt: skip
def test_to_yaml(value: object, text: str) -> None:
    assert to_yaml(value) == text
    assert result("{{ x | to_yaml }}", {"x": value}) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{'a': [1, none, true, 'é<']} | to_json", '{"a": [1, null, true, "é<"]}'),
        ("[1] | to_json(2)", "[\n  1\n]"),
        ("'a\\nb\\n' | indent(2)", "a\n  b\n"),
        ("'a\\nb' | indent(2, true)", "  a\n  b"),
        ("'x\\ny' | trim | indent", "x\n    y"),
        ("'hé' | b64", "aMOp"),
        ("'' | b64", ""),
        ("5 | b64", "NQ=="),
        ("'a' | sha512", "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75"),
        ("'a' | sha256", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("'a/b-c d' | systemd_escape", "a-b\\x2dc\\x20d"),
        ("'.hidden' | systemd_escape", "\\x2ehidden"),
        ("'/var/lib/my data/' | systemd_escape(path=true)", "var-lib-my\\x20data"),
        ("'/' | systemd_escape(true)", "-"),
        ("'10.0.0.5/24' | ip_address", "10.0.0.5"),
        ("'10.0.0.5/24' | ip_network", "10.0.0.0/24"),
        ("'10.0.0.5/24' | ip_netmask", "255.255.255.0"),
        ("'10.0.0.5/24' | ip_prefix", "24"),
        ("'10.0.0.5/24' | ip_broadcast", "10.0.0.255"),
        ("'10.0.0.5' | ip_prefix", "32"),
        ("'fd00::5/64' | ip_host(1)", "fd00::1"),
        ("'10.0.0.0/24' | ip_host(10)", "10.0.0.10"),
        ("'10.0.0.5/24' | ip_host(-2)", "10.0.0.254"),
        ("'10.0.0.5/24' | ip_add(3)", "10.0.0.8"),
        ("'10.0.0.0/16' | ip_subnet(24, 3)", "10.0.3.0/24"),
        ("'fd00::/48' | ip_subnet(64, 65535)", "fd00:0:0:ffff::/64"),
        ("'fd00::5' | ip_version", "6"),
        ("'10.0.0.5' | ip_reverse", "5.0.0.10.in-addr.arpa"),
        ("'10.1.2.3' is in_network('10.0.0.0/8')", "true"),
        ("'10.1.2.3/16' is in_network('fd00::/8')", "false"),
    ],
)  # fmt: skip
def test_filters(expression: str, text: str) -> None:
    assert result(f"{{{{ {expression} }}}}") == text


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("'x' | ip_network", "`ip_network` takes an address or a network"),
        ("[] | ip_address", "`ip_address` takes a text, not a list"),
        ("'10.0.0.0/30' | ip_host(9)", "10.0.0.0/30 has 4 addresses; there is no number 9"),
        ("'255.255.255.255' | ip_add(1)", "there is no address 1 behind 255.255.255.255"),
        ("'10.0.0.0/24' | ip_subnet(16)", "a subnet of 10.0.0.0/24 has a prefix from 24 to 32"),
        ("'10.0.0.0/24' | ip_subnet(25, 2)", "10.0.0.0/24 has 2 subnets of /25; there is no number 2"),
        ("none | b64", "`b64` takes a text, not null"),
        ("range | to_yaml", "YAML has no form for this value, which is no plain value"),
        ("range | to_json", "JSON has no form for this value, which is no plain value"),
        ("'x' | password_hash(rounds=1)", "`rounds` is a number from 1000 to 1000000"),
        ("'x' | password_hash('')", "`salt` is a text, not an empty one"),
        ("'x\\0' | password_hash", "a password has no NUL character"),
        ("'%d' % 5", "`%` is for numbers"),
        ("'a' | b64(1)", "the expression can't be worked out: b64() takes 1 positional argument but 2 were given"),
    ],
)
def test_what_a_filter_does_not_take_is_told(expression: str, said: str) -> None:
    found = problem(f"{{{{ {expression} }}}}")
    assert (found.code, found.span.line, found.message) == ("PV786", 2, said)


@given(st.ip_addresses(), st.integers(0, 128), st.integers(0, 2**64))
def test_subnets_and_hosts_lie_in_their_network(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int, number: int
) -> None:
    from provision.templates.filters import ip_host, ip_network, ip_subnet

    prefix = min(prefix, address.max_prefixlen)
    network = ipaddress.ip_network(ip_network(f"{address}/{prefix}"))
    host = ipaddress.ip_address(ip_host(f"{address}/{prefix}", number % network.num_addresses))
    assert host in network
    longer = (prefix + address.max_prefixlen + 1) // 2
    subnet = ipaddress.ip_network(ip_subnet(f"{address}/{prefix}", longer, number % 2 ** (longer - prefix)))
    assert subnet.prefixlen == longer
    assert subnet.network_address in network


# ---- passwords --------------------------------------------------------------------------------------------------


def test_a_password_hash_is_that_of_crypt_and_the_same_each_time() -> None:
    found = password_hash("hunter22", "web", "saltsalt")
    assert found == crypt_sha512("hunter22", "saltsalt", ROUNDS)
    assert found.startswith("$6$saltsalt$")
    assert password_hash("hunter22", "web", "saltsalt", 7000) == crypt_sha512("hunter22", "saltsalt", 7000)
    assert password_hash("hunter22", "web") == password_hash("hunter22", "web")


def test_the_salt_depends_on_password_and_template_or_on_what_is_given() -> None:
    salts = [
        password_hash(*given).split("$")[2]
        for given in (
            ("a", "web"),
            ("b", "web"),
            ("a", "db"),
            ("a", "web", "node-1.example.com"),
            ("a", "web", "node-2.example.com"),
        )
    ]
    assert len(set(salts)) == len(salts)
    assert all(len(salt) == 16 for salt in salts)


def test_hashing_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert result("{{ 'x' | password_hash('s', rounds=1000) }}").startswith("$6$rounds=1000$s$")


def test_the_manual_names_every_filter_and_format() -> None:
    from provision.templates.filters import FILTERS, TESTS
    from provision.templates.formats import FORMATS

    manual = (Path(__file__).parents[2] / "docs" / "writing-templates.md").read_text()
    for name in (*FILTERS, *TESTS, "password_hash", "indent", "file", "fail"):
        assert re.search(rf"`(?:\S+ is )?{name}\b", manual), name
    for name in FORMATS:
        assert f"`{name}`" in manual, name


def test_the_example_of_the_manual_has_no_problems() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "writing-templates.md").read_text()
    text = manual.split("```jinja\n")[1].split("```")[0]
    values = Values([PlainLayer({"hostname": "web-1", "token": "0123456789abcdef", "peers": ["10.0.0.1"]})])
    compiled = compile_template(template(text), values, Options())
    assert not compiled.diagnostics
    assert b"PEER_1%3D10.0.0.1" in compiled.output()
