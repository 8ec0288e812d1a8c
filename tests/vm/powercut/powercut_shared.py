"""What the tests of this folder share: a place for the undisturbed runs, and seeds."""

import os
import secrets
from pathlib import Path

import pytest
from vm_fixtures import DEMAND, obstacle

SEED = "PROVISION_POWERCUT_SEED"
RUN = os.environ.get(SEED) or os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(4))[:8]


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests share."""
    why = obstacle()
    if why:
        if os.environ.get(DEMAND) == "1":
            pytest.fail(f"{DEMAND} is 1, but {why}")
        pytest.skip(why)
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "powercut"
    folder.mkdir(exist_ok=True)
    return folder


def seed_for(request: pytest.FixtureRequest) -> str:
    """The seed of a test: another one in each run of the tests, unless PROVISION_POWERCUT_SEED says which."""
    seed = f"{RUN}.{request.node.name.rpartition('[')[2].rstrip(']')}"
    print(f"seed {seed}")
    return seed
