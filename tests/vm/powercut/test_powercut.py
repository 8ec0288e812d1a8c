"""Power cuts on a first boot: whenever the power goes, the next power-on ends where an undisturbed run ends."""

from pathlib import Path

import pytest
from powercut_chain import play, reference
from powercut_shared import seed_for, shared_folder
from powercut_story import STORIES

__all__ = ["shared_folder"]

# How often each machine is cut off: twenty cuts; `make powercut N=200` does more.
MACHINES = (
    ("blank", 3), ("existing", 3), ("sealed", 3), ("blank", 2), ("existing", 2), ("sealed", 3), ("blank", 2), ("existing", 2),
)  # fmt: skip


@pytest.mark.parametrize(("name", "cuts"), MACHINES, ids=[f"{name}{index}" for index, (name, _) in enumerate(MACHINES)])
def test_a_machine_whose_power_is_cut_ends_as_one_that_was_left_alone(
    name: str, cuts: int, shared_folder: Path, request: pytest.FixtureRequest
) -> None:
    done = list(play(reference(STORIES[name], shared_folder), seed_for(request), cuts))
    for cut in done:
        print(cut.describe())
    assert not done[-1].trouble, done[-1].describe()
    assert len(done) == cuts
