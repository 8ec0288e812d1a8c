"""A first boot that is killed at its operations, finds a file system full, or disks that break: it says so, and once the
obstacle is gone it ends where an undisturbed run ends.
"""

from pathlib import Path

import pytest
from powercut_chain import reference
from powercut_obstacles import meet, rounds
from powercut_shared import seed_for, shared_folder
from powercut_story import STORIES

__all__ = ["shared_folder"]

# Of so many machines, which all together are killed at every operation before and after it, the first one is played here.
MACHINES = 8


@pytest.mark.parametrize("name", ["blank", "existing"])
def test_an_applier_that_is_killed_at_its_operations_goes_on(
    name: str, shared_folder: Path, request: pytest.FixtureRequest
) -> None:
    seed = seed_for(request)
    origin = reference(STORIES[name], shared_folder)
    met = meet(origin, "faults", seed, rounds(origin, seed, MACHINES)[0])
    assert not met.trouble, met.describe()


@pytest.mark.parametrize(("name", "mode"), [("existing", "full"), ("sliced", "errors")])
def test_a_machine_with_an_obstacle_says_so_and_is_complete_once_it_is_gone(
    name: str, mode: str, shared_folder: Path, request: pytest.FixtureRequest
) -> None:
    met = meet(reference(STORIES[name], shared_folder), mode, seed_for(request))
    assert not met.trouble, met.describe()
