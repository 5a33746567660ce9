"""Fields to bytes that can be read in one way only, as in the events' hash chain (`eventstore.log.chain`)."""

from hashlib import sha256


def encode(kind: str, *fields: str | int) -> bytes:
    """`kind` and a line feed, then each field as a netstring: length in bytes, a colon, UTF-8, a comma."""
    return kind.encode() + b"\n" + b"".join(map(encode_field, fields))


def encode_field(field: str | int) -> bytes:
    """A field as a netstring."""
    encoded = str(field).encode()
    return b"%d:%b," % (len(encoded), encoded)


def hashed(kind: str, *fields: str | int) -> str:
    """SHA-256 of `encode`, in lower-case hexadecimal."""
    return sha256(encode(kind, *fields)).hexdigest()
