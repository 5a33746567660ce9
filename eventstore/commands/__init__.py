"""Commands that take effect exactly once: load, decide, append; one outcome for each."""
