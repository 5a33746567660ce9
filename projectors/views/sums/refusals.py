"""What the store has refused of the sums of one view, kept from one attempt of a range to the next.

A batch holds the sums of many streams, and which of them the store will not take is only known from its answer: too
late to add up anything else. So the document is remembered, the range starts again from its stored position, and this
time the streams that would add to that document are parked, and no others.
"""

from dataclasses import dataclass, field

from projectors.container import Operation
from projectors.errors import BadSum, Rejected, Unavailable
from projectors.storable import size
from projectors.views.sums.documents import Part, parts_of
from projectors.views.sums.view import Sums, SumView

PARTS_PER_BATCH = 90
"""Of 100 operations, the guard among them."""


@dataclass(slots=True)
class Refusals:
    """The reasons by document, and how many documents a batch may have. Ranges of a process share them."""

    reasons: dict[str, str] = field(default_factory=dict)
    most: int = PARTS_PER_BATCH

    def check(self, view: SumView, sums: Sums, lease: str) -> None:
        """Raises BadSum for what adds to a document that was refused."""
        if not self.reasons:
            return
        for part, _ in parts_of(view, sums):
            reason = self.reasons.get(part.id(lease))
            if reason is not None:
                raise BadSum(f"the store refuses what the sums of {part.key} would be: {reason}")

    def learn(
        self, told: str, parts: list[Part], operations: list[Operation], error: Rejected, lease: str
    ) -> Exception:
        """Takes in why a batch was refused: its guard, then these documents, then marks. What is to be raised.

        The answer names the document, unless the batch is too large as a whole: then smaller ones are tried first.
        """
        if not error.index and len(operations) > 2 and self.most > 1:
            self.most = max(1, min(self.most, len(operations) - 1) // 2)
            return Unavailable(f"{told}: trying smaller batches")
        index = error.index or max(range(1, len(parts) + 1), key=lambda at: size(operations[at]), default=0)
        if not 0 < index <= len(parts):
            return Rejected(f"the {'mark of a parked stream' if index else 'guard'} cannot be stored: {told}")
        part = parts[index - 1]
        self.reasons[part.id(lease)] = str(error)
        return Unavailable(f"the sums of {part.key} cannot be stored: {told}")
