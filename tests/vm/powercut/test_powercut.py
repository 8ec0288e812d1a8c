"""Power cuts on a first boot: whenever the power goes, the next power-on ends where an undisturbed run ends."""

import os
import secrets
from pathlib import Path

import pytest
from powercut_chain import play, reference
from powercut_story import STORIES
from vm_fixtures import DEMAND, obstacle

# How often each machine is cut off: twenty cuts; `make powercut N=200` does more.
MACHINES = [
    ("blank", 3), ("existing", 3), ("blank", 2), ("existing", 2), ("blank", 3), ("existing", 3), ("blank", 2), ("existing", 2),
]  # fmt: skip
SEED = "PROVISION_POWERCUT_SEED"


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests share."""
    why = obstacle()
    if why:
        if os.environ.get(DEMAND) == "1":
            pytest.fail(f"{DEMAND} is 1, but {why}")
        pytest.skip(why)
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.mark.parametrize(
    ("name", "cuts"), MACHINES, ids=[f"{name}-{index}" for index, (name, _) in enumerate(MACHINES)]
)
def test_a_machine_whose_power_is_cut_ends_as_one_that_was_left_alone(
    name: str, cuts: int, shared_folder: Path, request: pytest.FixtureRequest
) -> None:
    run = os.environ.get(SEED) or os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(4))[:8]
    seed = f"{run}.{request.node.callspec.id}"
    done = list(play(reference(STORIES[name], shared_folder), seed, cuts))
    print("\n".join(cut.describe() for cut in done))
    assert not any(cut.trouble for cut in done), "\n".join(cut.describe() for cut in done if cut.trouble)
    assert len(done) == cuts
