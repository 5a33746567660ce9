"""The audit trail: a stream's history told entry by entry, and what belongs together across streams."""
