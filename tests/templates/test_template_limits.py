"""What never ends, or grows without end, is stopped with a diagnostic at its place."""

import resource
import signal
import time

import pytest
from templates_shared import HEAD, header, place, problem, rendered, result, template

from provision.templates import limits
from provision.templates.layers import PlainLayer
from provision.templates.rendering import check, render
from provision.templates.values import Values


@pytest.fixture(autouse=True)
def _nothing_stays() -> object:
    """Limits of the process are as before, whatever was rendered."""
    before = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGALRM)
    yield
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGALRM)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on time that tests can wait for."""
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.2)


LOOP = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("x\n" + LOOP, 3, "the template takes more than 5000000 steps"),
        ("{% macro m() %}\n{{ m() }}{% endmacro %}\n{{ m() }}", 3, "use each other without end"),
        ("{% macro a() %}\n{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", 3, "without end"),
        ("\n\n{% include 't.bu.j2' %}", 4, "without end"),
        ("{% include 'other.j2' %}", 2, "without end"),
        ("{% extends 't.bu.j2' %}", 2, "without end"),
        ("{% import 't.bu.j2' as t %}", 2, "without end"),
        ("\n{% block a %}{{ self.a() }}{% endblock %}", 3, "without end"),
        ("{% for i in [1] recursive %}\n{{ loop([1]) }}{% endfor %}", 3, "without end"),
        ("x\n{{ range(10 ** 9) | length }}", 3, "a range has more than 100000 elements"),
        ("x\n{{ 2 ** (10 ** 9) }}", 3, "the result of ** would have more than 4096 bits"),
        ("x\n{{ 'x' * 10 ** 9 }}", 3, "the result of * would have more than 1048576 elements"),
        ("x\n{{ 10 ** 9 * [1] }}", 3, "the result of * would have"),
        ("x\n{{ 'x' | center(3 * 10 ** 9) }}", 3, "more memory"),
        ("x\n{{ '%3000000000d' | format(1) }}", 3, "more memory"),
        ("x\n{{ '{:3000000000}'.format(1) }}", 3, "more memory"),
        ("x\n{{ [1] | batch(3 * 10 ** 9, 'x') | list | length }}", 3, "more memory"),
        ("x\n{% for i in range(100000) %}\n{{ 'x' * 1000 }}\n{% endfor %}", 4, "more than 16 MiB of text"),
        ("x\n{% for i in range(100000) %}\n" + "x" * 1000 + "\n{% endfor %}", 4, "more than 16 MiB of text"),
        ("{% set a %}{% for i in range(100000) %}\n{{ 'x' * 10000 }}{% endfor %}{% endset %}{{ a | length }}", 3, "more than 128 MiB"),
    ],
)  # fmt: skip
def test_what_has_no_end_is_told(body: str, line: int, said: str) -> None:
    found = problem(body, other="x {% include 't.bu.j2' %}")
    assert found.code == "PV787"
    assert said in found.message
    assert found.span.line == line


@pytest.mark.parametrize(
    "body",
    [
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
        "{% for a in range(100000) %}{% for b in range(100) %}{{ 'abc' | replace('b', 'c') | length if false }}{% endfor %}{% endfor %}",
        "{{ range(100000) | map('string') | map('list') | sum(start=[]) | length }}",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("impatient")
def test_time_is_limited_in_loops_and_in_filters(body: str) -> None:
    start = time.monotonic()
    found = problem(f"x\n{body}")
    assert (found.code, found.span.line) == ("PV787", 3)
    assert "seconds, the limit" in found.message or "steps" in found.message
    assert time.monotonic() - start < 8


@pytest.mark.usefixtures("impatient")
def test_a_pattern_that_takes_too_long_is_told() -> None:
    found = render(template(header(x="type: string, pattern: '^(a+)+$'")), Values([PlainLayer({"x": "a" * 60 + "!"})]))
    assert [each.code for each in found.diagnostics] == ["PV787"]


@pytest.mark.parametrize("depth", [30, 3000])
@pytest.mark.parametrize(
    "parts", [("{% for i in [1] %}", "{% endfor %}"), ("{{ ", " }}"), ("{% if 1 %}", "{% endif %}")]
)
def test_what_nests_too_deep_is_told(depth: int, parts: tuple[str, str]) -> None:
    opened, closed = parts
    body = f"{{{{ {'(' * depth}1{')' * depth} }}}}" if opened == "{{ " else opened * depth + closed * depth
    found = rendered(HEAD + body).diagnostics
    assert [each.code for each in found] in ([], ["PV787"])
    assert depth == 30 or found


def test_what_stays_within_the_limits_is_rendered() -> None:
    assert len(result("{% for i in range(100000) %}{{ 'x' * 100 }}\n{% endfor %}")) == 100_000 * 101
    deep = "{% macro m(n) %}{{ n }}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(50) }}"
    assert result(deep).startswith("504948")


def test_a_template_that_is_too_large_is_told() -> None:
    found = check(template(HEAD + "x" * (5 << 20)))
    assert [(each.code, each.message) for each in found] == [("PV787", "the template has more than 4 MiB, the limit")]


def test_a_template_that_is_no_text_is_told() -> None:
    from templates_shared import Memory

    from provision.templates.library import Template

    class Bytes(Memory):
        def data(self, name: str) -> bytes | None:
            return b"{# description: \xff #}"

    found = check(Template(Bytes({}), "t.bu.j2"))
    assert [each.code for each in found] == ["PV001"]


def test_the_next_rendering_starts_anew() -> None:
    made = template(header(x="default: 1") + "{% if x %}" + LOOP + "{% endif %}done")
    assert place(render(made).diagnostics[0])[0] == "PV787"
    assert render(made, Values([PlainLayer({"x": 0})])).text == "done"


def test_another_alarm_stays() -> None:
    """Who has set an alarm keeps it; the count of steps still ends what never ends."""
    previous = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        assert problem(LOOP).code == "PV787"
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_other_threads_render_too() -> None:
    from threading import Thread

    found: list[str] = []
    thread = Thread(target=lambda: found.extend([problem(LOOP).code, result("{{ 1 }}")]))
    thread.start()
    thread.join()
    assert found == ["PV787", "1"]
