"""What keeps a process from going on: something that passes, or something that a person has to mend.

projectors.errors.Unavailable
└── TransferUnseen     a transfer is in the change feed and not yet to be read
"""

from typing import Final

from azure.core.exceptions import AzureError

from eventstore.errors import StoreBusy, StoreUnavailable
from projectors.errors import Unavailable

PASSING: Final = (StoreBusy, StoreUnavailable, Unavailable, AzureError)
"""The store did not do it now. All else would fail in the same way again."""


def cause(error: Exception) -> Exception | None:
    """What a line in the log shows of an error beside its message: where it came from, unless it passes."""
    return None if isinstance(error, PASSING) else error
