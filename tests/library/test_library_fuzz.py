"""Templates with any values that their parameters allow: they compile, or say what is wrong at their own lines."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from library_shared import NAMES, TEMPLATES, compiled, header_of, sample_values
from schema_values import values_of

from provision.diagnostics import Diagnostic
from provision.templates.layers import PlainLayer
from provision.templates.values import Values

EXAMPLES = 15
# The first example of a pattern takes its time.
CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]
# What no schema can tell, because it is about several values.
TOGETHER = {
    "PV786",  # `fail` in the template
    "PV300",  # two things of one name, such as users
    "PV513",  # two members of one name
    "PV514",  # two members of one address
}


def all_values(name: str) -> st.SearchStrategy[dict[str, object]]:
    """Values of all parameters of a template. A name that must be among those of a list mostly is."""
    parts = {row.name: values_of(dict(row.schema)) for row in header_of(name).parameters.values()}
    found = st.fixed_dictionaries(parts)
    if not {"name", "members"} <= parts.keys():
        return found
    return st.tuples(found, st.integers(0, 8)).map(lambda both: named(*both))


def named(values: dict[str, object], number: int) -> dict[str, object]:
    """Values whose `name` is that of a member, but for one number."""
    members = values["members"]
    assert isinstance(members, list)
    return {**values, "name": members[number % len(members)]["name"]} if number else values


def at_its_place(found: Diagnostic, name: str) -> bool:
    """Whether a diagnostic names a line of the template."""
    template = TEMPLATES[name]
    return found.file == template.file and 1 <= found.span.line <= len(template.text.splitlines())


def check(name: str, values: dict[str, object]) -> None:
    """Compile, and hold what is said to its place, and errors to those that there can be."""
    made = compiled(name, values)
    assert all(at_its_place(found, name) for found in made.diagnostics)
    errors = [found for found in made.diagnostics if found.severity == "error"]
    assert {found.code for found in errors} <= TOGETHER, errors


@pytest.mark.parametrize("name", NAMES)
def test_values_that_a_schema_allows_give_a_config(name: str) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=CHECKS)
    @given(all_values(name))
    def compiles(values: dict[str, object]) -> None:
        assert not Values([PlainLayer(values)]).bind(header_of(name), "").diagnostics
        check(name, values)

    compiles()


def one_value(name: str) -> st.SearchStrategy[dict[str, object]]:
    """The sample's values with another one of one parameter."""
    rows = header_of(name).parameters.values()
    return st.one_of([st.tuples(st.just(row.name), values_of(dict(row.schema))) for row in rows]).map(
        lambda pair: {**sample_values(name), pair[0]: pair[1]}
    )


@pytest.mark.parametrize("name", NAMES)
def test_another_value_in_the_sample_gives_a_config(name: str) -> None:
    @settings(max_examples=2 * EXAMPLES, suppress_health_check=CHECKS)
    @given(one_value(name))
    def compiles(values: dict[str, object]) -> None:
        check(name, values)

    compiles()
