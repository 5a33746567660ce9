"""Headers that answers carry beyond HTTP's own."""

POSITION = "Tidemark-Position"


REPLAYED = "Idempotency-Replayed"
