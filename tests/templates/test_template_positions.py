"""Every rendered line is told at the line of the template that made it, and the text is what plain Jinja makes of it."""

import re

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from templates_shared import HEAD, problem, rendered

from provision.diagnostics import Span
from provision.templates.library import Template
from provision.templates.positions import VERBATIM, Origins, Source, verbatim
from provision.templates.rendering import compile_template
from provision.templates.values import Values
from provision.transpile.author import Options
from provision.validation import Selection, validate_files

# Stands for the mark of a line, which is put in once the lines have their numbers: `@t12@`.
HERE = "\ue000"
MARK = re.compile(r"@([a-z])(\d+)@")

opening = st.sampled_from(("{%", "{%-", "{%+"))
closing = st.sampled_from(("%}", "-%}", "+%}"))
blanks = st.sampled_from(("", "  ", "    "))
Lines = list[str]


@st.composite
def tags(draw: st.DrawFn, words: str) -> str:
    """A tag with any control of the white space around it."""
    return f"{draw(blanks)}{draw(opening)} {words} {draw(closing)}"


@st.composite
def texts(draw: st.DrawFn) -> Lines:
    """One line or some that are no block."""
    pad = draw(blanks)
    return draw(
        st.sampled_from([
            [f"{pad}{HERE} text"],
            [""],
            [f"{pad}{{# a comment #}}"],
            [f"{pad}{{# a comment", f"of lines #}}{HERE}"],
            [f'{pad}{{{{ "{HERE}" }}}}'],
            [f'{pad}{{{{ "{HERE}\\n{HERE} more" }}}} end'],
            [f'{pad}{{{{- "{HERE}" -}}}}'],
            [f"{pad}{HERE} a {{% if yes %}}b{{% endif %}} {{{{ 1 + 1 }}}} c"],
            [f"{pad}{HERE} a", f"{pad}{{%- if no %}} b {{% endif -%}}", f" {HERE} c"],
            [f'{pad}{HERE} a {{{{ yes | string', '   | upper }} b'],
            [f"{pad}{{% raw %}}{HERE} {{{{ raw }}}}{{% endraw %}}"],
            [f"{pad}{{% set one %}}{HERE} kept{{% endset %}}", "{{ one }}"],
        ])
    )  # fmt: skip


@st.composite
def around(draw: st.DrawFn, inner: Lines, names: list[str]) -> Lines:
    """Lines inside a block of some kind."""
    kind = draw(st.sampled_from(["if", "else", "for", "filter", "set", "with", "call", "include", "macro"]))
    if kind == "if":
        return [draw(tags(draw(st.sampled_from(["if yes", "if no"])))), *inner, draw(tags("endif"))]
    if kind == "else":
        return [draw(tags("if no")), "never", draw(tags("else")), *inner, draw(tags("endif"))]
    if kind == "for":
        head = draw(
            st.sampled_from(
                [
                    "for i in range(2)",
                    "for i in range(0)",
                    "for i in [1, 2, 3] if i != 2",
                    "for i in [0, [1]] recursive",
                ]
            )
        )
        return [draw(tags(head)), *inner, draw(tags("endfor"))]
    if kind == "filter":
        return [
            draw(tags(draw(st.sampled_from(["filter trim", "filter indent(3)", "filter indent(2, true)"])))),
            *inner,
            draw(tags("endfilter")),
        ]
    if kind == "set":
        shown = draw(st.sampled_from(["{{ kept }}", "  {{ kept | indent(2) }}", "{{ kept | trim }}"]))
        return [draw(tags("set kept")), *inner, draw(tags("endset")), shown]
    if kind == "with":
        return [draw(tags("with x = 1")), *inner, draw(tags("endwith"))]
    if kind == "call":
        return [draw(tags("call wrapped()")), *inner, draw(tags("endcall"))]
    if kind == "include" and names:
        return [*inner, draw(tags(f'include "{draw(st.sampled_from(names))}.j2"'))]
    called = draw(
        st.sampled_from(["{{ lines(2) }}", "{{ lines(1) | indent(4) }}", f"{HERE} {{{{ lines(1) }}}} {HERE}"])
    )
    return [*inner, called]


def files() -> st.SearchStrategy[dict[str, Lines]]:
    """The lines of a template `t` and of the files that it may include, each of which may include those behind it."""

    def blocks(names: list[str]) -> st.SearchStrategy[Lines]:
        return st.recursive(
            st.lists(texts(), min_size=1, max_size=4).map(flat),
            lambda inner: st.lists(st.one_of(inner, inner.flatmap(lambda lines: around(lines, names))), max_size=3).map(
                flat
            ),
            max_leaves=6,
        )

    return st.fixed_dictionaries({"t": blocks(["u", "v"]), "u": blocks(["v"]), "v": blocks([])})


def flat(lists: list[Lines]) -> Lines:
    return [line for lines in lists for line in lines]


MACROS = [
    "{% macro lines(count) %}", f"  {HERE} of a macro", "{% for i in range(count) -%}", f"    {HERE} again", "{% endfor %}",
    "{% endmacro %}", "{% macro wrapped() %}", f"{HERE} before", "{{ caller() }}", f"{HERE} after", "{% endmacro %}",
    "{% set yes, no = true, false %}",
]  # fmt: skip


def written(name: str, lines: Lines) -> str:
    """The text of a file, with its marks."""
    return "".join(f"{line.replace(HERE, f'@{name}{number}@')}\n" for number, line in enumerate(lines, 1))


@settings(max_examples=100, deadline=None)
@given(files())
def test_each_rendered_line_is_placed_at_the_line_that_made_it(lines: dict[str, Lines]) -> None:
    texts = {"t": written("t", ["{# description: A test. #}", *MACROS, *lines["t"]])}
    texts |= {name: written(name, [*MACROS, *lines[name]]) for name in ("u", "v")}
    found = rendered(texts["t"], u=texts["u"], v=texts["v"])
    assert found.text is not None, found.diagnostics
    assert found.text == as_jinja_has_it(texts)
    places = found.lines()
    rows = found.text.split("\n")
    assert len(places) == len(rows)
    for row, place in zip(rows, places, strict=True):
        mark = MARK.search(row)
        if mark and not row[: mark.start()].strip():
            file = "lib/t.bu.j2" if mark[1] == "t" else f"lib/{mark[1]}.j2"
            assert (place.file, place.span.line) == (file, int(mark[2])), row
        assert 1 <= place.span.line <= texts["t" if place.file == "lib/t.bu.j2" else place.file[4]].count("\n") + 1
    assert_verbatim(found.origins)


def as_jinja_has_it(texts: dict[str, str]) -> str:
    """What Jinja alone makes of the same files."""
    loader = jinja2.DictLoader({f"{name}.j2": text for name, text in texts.items()})
    plain = jinja2.Environment(
        loader=loader, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        finalize=lambda value: str(value).lower() if isinstance(value, bool) else value,
    )  # fmt: skip
    return plain.get_template("t.j2").render()


def assert_verbatim(origins: Origins | None) -> None:
    """What counts as written out by a template stands in it so."""
    assert origins is not None
    at = 0
    for run in origins.runs:
        if run.end == VERBATIM:
            assert run.source.text.startswith(origins.text[at : at + run.length], run.start)
        at += run.length
    assert at == len(origins.text)


@given(st.text(alphabet="ab \n\x85\u2028é😀"), st.integers(0, 50))
def test_places_in_a_verbatim_text_are_themselves(text: str, shift: int) -> None:
    source = Source("f", "x" * shift + text)
    origins = Origins([verbatim(source, shift, text)], source)
    rendered = origins.rendered
    for at in range(len(text)):
        span = rendered.span(at, at + 1)
        assert origins.place(span).span == source.span(shift + at, shift + at + 1)


def test_a_place_beyond_the_text_is_its_end() -> None:
    source = Source("f", "one\ntwo")
    origins = Origins([verbatim(source, 0, "one\ntwo")], source)
    assert origins.place(Span(9, 9, 9, 10)).span.line == 2
    assert Origins([], source).place(Span(1, 1, 1, 2)).span == Span(1, 1, 1, 2)


# ---- on to diagnostics ------------------------------------------------------------------------------------------

DOCUMENT = """{# description: A test. #}
{% macro file(path, mode) %}
    - path: {{ path }}
      mode: {{ mode }}
{% endmacro %}
variant: fcos
version: 1.6.0
storage:
  files:
{% for name in ["a", "b"] %}
{{ file("/etc/" ~ name, 640) -}}
{% endfor %}
    - path: relative
"""


def test_problems_of_the_rendered_document_are_at_the_templates_lines() -> None:
    made = Template(rendered(DOCUMENT).template.library, "t.bu.j2")
    compiled = compile_template(made, Values(), Options())
    assert [(each.code, each.file, each.span) for each in compiled.diagnostics] == [
        ("PV605", "lib/t.bu.j2", Span(4, 13, 4, 23)),
        ("PV301", "lib/t.bu.j2", Span(13, 13, 13, 21)),
    ]
    assert compiled.diagnostics[0].hint == "write 0640; rendered: `mode: 640`"
    assert "rendered" not in str(compiled.diagnostics[1].hint)
    assert compiled.sources["lib/t.bu.j2"] == DOCUMENT


def test_yaml_that_can_not_be_read_is_told_at_the_templates_line() -> None:
    made = rendered(HEAD + "variant: fcos\n{% if true %}\n  a: b: c\n{% endif %}\n").template
    (found,) = compile_template(made, Values(), Options()).diagnostics
    assert (found.code, found.span.line) == ("PV002", 4)


def test_a_comment_in_a_template_silences_what_it_renders() -> None:
    text = HEAD + "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /a\n      mode: {{ 640 }}"
    bad = compile_template(rendered(text).template, Values(), Options()).diagnostics
    assert [found.code for found in bad] == ["PV605"]
    good = f"{text} # provision: ignore[PV605] a test\n"
    assert not compile_template(rendered(good).template, Values(), Options()).diagnostics


def test_the_name_of_a_template_tells_what_it_renders(tmp_path: object) -> None:
    made = rendered(HEAD + "[Service]\nExecStart=/bin/{{ 'true' }}\n")
    unit = Template(made.template.library, "t.bu.j2")
    assert unit.output_name == "t.bu"
    compiled = compile_template(unit, Values(), Options())
    assert compiled.release is not None
    assert compiled.release.dialect == "unit"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("ok\n  {{ 1 / 0 }}\n", (3, 3)),
        ("ok\n{% if 1 / 0 %}{% endif %}", (3, 1)),
        ("{% for i in [1, 0] %}\n  x {{ 1 / i }}\n{% endfor %}", (3, 5)),
        ("{% macro m(i) %}\n\n  {{ 1 / i }}\n{% endmacro %}\n{{ m(0) }}", (4, 3)),
        ("{% include 'bad.j2' %}", (1, 4)),
        ("a\n{% set b = [1,\n  2,\n 1 / 0] %}", (3, 1)),
    ],
)
def test_what_fails_is_told_where_it_stands(body: str, where: tuple[int, int]) -> None:
    found = problem(body, bad="a: {{ 1 / 0 }}\n")
    assert (found.code, found.span.line, found.span.column) == ("PV786", *where)
    assert found.file == ("lib/bad.j2" if "include" in body else "lib/t.bu.j2")
    assert found.message == "the expression can't be worked out: division by zero"


def test_configs_of_one_call_are_held_against_each_other_at_their_templates_places(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    monkeypatch.chdir(folder)
    head = "{# description: A test. #}\n{# nothing else #}\n"
    fleet = "[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=nowhere.service\n"
    for name in ("a", "b"):
        (folder / f"{name}.service.j2").write_text(head + fleet)
    result = validate_files(["a.service.j2", "b.service.j2"], Options(), Selection(), 1, "-")
    lines = {(each.file, each.span.line) for each in result.diagnostics if "nowhere" in each.message}
    assert lines <= {("a.service.j2", 6), ("b.service.j2", 6)}
    assert lines


@pytest.mark.parametrize("name", ["upper", "title"])
def test_a_text_that_a_filter_makes_anew_is_placed_at_the_filter(name: str) -> None:
    found = rendered(HEAD + "one\n{% filter " + name + " %}\na\nb\n{% endfilter %}\nend\n")
    assert [place.span.line for place in found.lines()][:4] == [2, 3, 3, 7]


@pytest.mark.parametrize("inner", ["", "\n", "a", "a\n", "\n\n", "a\n\nb\n", " \n"])
@pytest.mark.parametrize(
    "filter", ["indent", "indent(2, true)", "indent(2, true, true)", "indent(blank=true)", "trim", "indent(0)"]
)
def test_filters_that_keep_places_keep_one_for_each_character(inner: str, filter: str) -> None:
    found = rendered(f"{HEAD}{{% filter {filter} %}}\n{inner}{{% endfilter %}}|")
    assert_verbatim(found.origins)
