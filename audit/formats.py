"""Formats for people: durations and counts."""


def duration(seconds: float) -> str:
    """For people: "0.4 s", "2 min 16 s", "3 h 5 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, noun: str) -> str:
    """ "1 stream", "1,204 streams"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
