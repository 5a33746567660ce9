"""Values of facts: what a declared state comes down to."""

Value = str | int | bool | None
