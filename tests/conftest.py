"""What holds for all tests: property tests have no deadline, since machines are noisy; in CI they try the same examples
at each run, so that what it says is about the change, while everywhere else they go on looking."""

import os

import pytest
from hypothesis import settings

IGNITION_VALIDATE = "/usr/bin/ignition-validate"

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def judge() -> str:
    """Debian's ignition-validate, which CI must have."""
    if not os.path.exists(IGNITION_VALIDATE):
        said = "ignition-validate is missing: apt-get install ignition"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return IGNITION_VALIDATE
