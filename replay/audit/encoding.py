"""Fields to bytes that can be read in one way only, as in the events' hash chain (`eventstore.chain`)."""

from hashlib import sha256


def encode(kind: str, *fields: str | int) -> bytes:
    """`kind` and a line feed, then each field as a netstring: length in bytes, a colon, UTF-8, a comma."""
    encoded = [str(field).encode() for field in fields]
    return kind.encode() + b"\n" + b"".join(b"%d:%b," % (len(field), field) for field in encoded)


def hashed(kind: str, *fields: str | int) -> str:
    """SHA-256 of `encode`, in lower-case hexadecimal."""
    return sha256(encode(kind, *fields)).hexdigest()
