"""A quick part of Microsoft's own tests, where they are on this machine already; `make conformance` runs all."""

import pytest

from tests.localazure.conformance import cosmos_conformance as conformance


# Fetching the suite takes minutes and a network, which a test run must not need.
@pytest.mark.skipif(
    not conformance.is_prepared(), reason="Microsoft's tests are not cached; `make conformance` does it"
)
@pytest.mark.parametrize("file", ["test_cosmos_responses.py"])
def test_a_quick_part_of_microsoft_s_tests_passes(file: str) -> None:
    ids = conformance.listed(conformance.HERE / "cosmos.txt", file)
    assert conformance.run(*conformance.prepare(conformance.cache()), ids, []) == len(ids) > 0
