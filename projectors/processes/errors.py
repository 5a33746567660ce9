"""What keeps a process from going on.

projectors.errors.Unavailable
└── TransferUnseen     a transfer is in the change feed and not yet to be read
"""

from projectors.errors import Unavailable


class TransferUnseen(Unavailable):
    """The replica that answered lags behind the change feed: the same read will find the transfer soon."""

    def __init__(self, transfer_id: str) -> None:
        super().__init__(f"transfer {transfer_id} was requested and its stream is not yet to be read")
