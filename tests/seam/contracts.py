"""The import contracts, checked where one stands: python -m tests.seam.contracts."""

import sys

from importlinter.cli import lint_imports

if __name__ == "__main__":
    sys.exit(lint_imports())
