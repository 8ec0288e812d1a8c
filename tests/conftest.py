"""What holds for all tests: property tests have no deadline, since machines are noisy; in CI they try the same examples
at each run, so that what it says is about the change, while everywhere else they go on looking."""

import os

from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
