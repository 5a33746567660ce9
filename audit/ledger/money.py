"""Amounts for people: minor units of an asset as decimals."""


def code_of(asset: str) -> str:
    """`EUR` of `EUR/2`."""
    return asset.partition("/")[0]


def decimal(amount: int, asset: str) -> str:
    """1234567 of EUR/2 is "12,345.67"; without a known scale the minor units themselves."""
    _, _, scale = asset.partition("/")
    digits = int(scale) if scale.isdecimal() else 0
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{sign}{whole:,}.{rest:0{digits}d}" if digits else f"{sign}{whole:,}"


def money(amount: int, asset: str) -> str:
    """1234567 of EUR/2 is "12,345.67 EUR"."""
    return f"{decimal(amount, asset)} {code_of(asset)}"
