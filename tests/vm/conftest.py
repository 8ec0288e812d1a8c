"""Where pytest looks for fixtures; they stand in a module with a name of its own, so that checkers can tell it apart."""

from collections.abc import Generator

import pytest
from vm_fixtures import guest, shared_guest
from vm_guest import BOOTS, StalledError

__all__ = ["guest", "shared_guest"]

STALLED = pytest.StashKey[int]()


# Not by pytest-rerunfailures: it has the workers of xdist ask each other before every test, which took five minutes.
@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Play a story again, on new machines, where a disk of the emulator stalled: that is no finding. Nothing else is."""
    try:
        return (yield)
    except StalledError as error:
        stalled = pyfuncitem.stash[STALLED] = pyfuncitem.stash.get(STALLED, 0) + 1
        if stalled == BOOTS:
            raise
        pyfuncitem.add_report_section("call", "stalled", str(error))
    pyfuncitem.runtest()
    return True
