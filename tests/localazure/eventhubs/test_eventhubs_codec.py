"""The codec against the SDK's own, and against bytes that are no AMQP."""

import random
import string as letters
import uuid

import pytest
from azure.eventhub._buffered_producer._partition_resolver import PartitionResolver
from azure.eventhub._pyamqp._decode import _DECODE_BY_CONSTRUCTOR
from azure.eventhub._pyamqp._encode import encode_value
from hypothesis import given
from hypothesis import strategies as some

from localazure.amqp import encode
from localazure.amqp.decode import Symbol, decode, items, skip
from localazure.amqp.errors import MalformedValue
from localazure.eventhubs.hubs.hashing import partition_of

ENCODED = [
    (encode.NULL, None),
    (encode.TRUE, True),
    (encode.FALSE, False),
    (encode.ubyte(200), 200),
    (encode.ushort(60000), 60000),
    (encode.uint(255), 255),
    (encode.uint(4_000_000_000), 4_000_000_000),
    (encode.ulong(255), 255),
    (encode.ulong(2**63), 2**63),
    (encode.int32(-5), -5),
    (encode.long(-(2**40)), -(2**40)),
    (encode.timestamp(-62_135_596_800_000), -62_135_596_800_000),
    (encode.binary(b"x" * 300), b"x" * 300),
    (encode.string("żółć"), "żółć"),
    (encode.symbol("com.microsoft:epoch"), Symbol("com.microsoft:epoch")),
    (encode.sequence([encode.uint(1), encode.NULL]), [1, None]),
    (encode.sequence([encode.string("x" * 200)] * 3), ["x" * 200] * 3),
    (encode.text_map({"a": encode.uint(1)}), {"a": 1}),
    (encode.string_array(["0", "1"]), ["0", "1"]),
    (encode.symbol_array(["a", "b"]), ["a", "b"]),
]


@pytest.mark.parametrize(("raw", "value"), ENCODED)
def test_what_is_encoded_decodes_to_itself_here_and_in_the_sdk(raw, value):
    assert decode(raw) == (value, len(raw))
    assert type(decode(raw)[0]) is type(value)
    assert skip(raw, 0) == len(raw)
    rest, sdk = _DECODE_BY_CONSTRUCTOR[raw[0]](memoryview(raw)[1:])
    assert not rest
    assert sdk == _as_the_sdk_reads(value)


def _as_the_sdk_reads(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [_as_the_sdk_reads(item) for item in value]
    if isinstance(value, dict):
        return {_as_the_sdk_reads(key): _as_the_sdk_reads(item) for key, item in value.items()}
    return value


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers(-(2**31), 2**31 - 1) | some.text() | some.binary() | some.uuids(),
        lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
        max_leaves=8,
    )
)
def test_whatever_the_sdk_encodes_is_read(value):
    raw = bytearray()
    encode_value(raw, value)
    assert decode(bytes(raw)) == (value, len(raw))


@given(some.binary(max_size=64))
def test_arbitrary_bytes_decode_or_are_called_malformed(raw):
    try:
        _, end = decode(raw)
    except MalformedValue:
        return
    assert 0 < end <= len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x3f",
        b"\x70\x00",
        b"\xa1\x05abc",
        b"\xa1\x01\xff",
        b"\xc1\x02\x01\x40",
        b"\xc1\x03\x02\x45\x40",
        b"\xc0\x01\xff",
        b"\xd0\x00\x00\x00\x04\xff\xff\xff\xff",
        b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40",
        b"\x00" * 500,
        b"\xc0\x02\x01" * 40 + b"\x40",
    ],
)
def test_damaged_values_are_called_malformed(raw):
    with pytest.raises(MalformedValue):
        decode(raw)


def test_a_list_that_lies_about_its_size_is_malformed():
    with pytest.raises(MalformedValue, match="does not end"):
        items(b"\xc0\x03\x01\x40\x40", 0)


def test_a_uuid_keeps_its_type():
    value = uuid.uuid4()
    assert decode(b"\x98" + value.bytes)[0] == value


def test_keys_hash_as_the_sdks_buffered_producer_hashes_them():
    source = random.Random(7)
    for _ in range(500):
        partitions = source.randint(1, 32)
        key = "".join(source.choices(letters.printable, k=source.randint(1, 40)))
        resolver = PartitionResolver([str(number) for number in range(partitions)])
        assert str(partition_of(key, partitions)) == resolver.get_partition_id_by_partition_key(key)
