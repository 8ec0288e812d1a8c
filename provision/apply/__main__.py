"""`python -m provision.apply`: a config onto a root directory."""

import sys

from provision.apply.root_command import main

if __name__ == "__main__":
    sys.exit(main())
