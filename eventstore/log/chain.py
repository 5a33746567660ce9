"""The hash chain of a stream, in a form that any language can recompute.

    hash = SHA-256( "tidemark/event/1\n" + N(prev) + N(stream) + N(version) + N(type) + N(schema)
                    + N(enc) + N(state) + N(meta) + N(commandId) )

    prev of a stream's first event = SHA-256( "tidemark/stream/1\n" + N(stream) )

`N(field)` is the field as a netstring: its length in bytes in decimal, a colon, the bytes, a comma. Text is UTF-8;
`state` and `meta` are the strings that the document holds, not what they decode to; numbers are decimal without sign
or leading zeros. Hashes are written in lower-case hexadecimal, also inside the next hash. Lengths make it
unambiguous: no two different events have the same encoding. docs/event-store.md has test vectors.
"""

from hashlib import sha256

_EVENT = b"tidemark/event/1\n"
_STREAM = b"tidemark/stream/1\n"


def genesis(stream: str) -> str:
    """The `prev` of the first event of `stream`: an event moved to another stream fits nowhere."""
    return _digest(_STREAM, stream)


def link(
    prev: str,
    *,
    stream: str,
    version: int,
    type_name: str,
    schema: int,
    enc: str,
    state: str,
    meta: str,
    command_id: str,
) -> str:
    """The hash of one event that follows the event with hash `prev`."""
    return _digest(_EVENT, prev, stream, str(version), type_name, str(schema), enc, state, meta, command_id)


def _digest(kind: bytes, *fields: str) -> str:
    text = "".join([f"{len(field)}:{field}," for field in fields])
    if text.isascii():  # characters are bytes
        return sha256(kind + text.encode()).hexdigest()
    encoded = [field.encode(errors="surrogatepass") for field in fields]
    return sha256(kind + b"".join([b"%d:%b," % (len(field), field) for field in encoded])).hexdigest()
