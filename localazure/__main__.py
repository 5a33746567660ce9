"""`python -m localazure`."""

import sys

from localazure.command_line import main

if __name__ == "__main__":
    sys.exit(main())
