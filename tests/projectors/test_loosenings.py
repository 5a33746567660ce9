"""The table of loosenings is about the code and the tests as they are; `make loosenings` runs it."""

import re

import pytest

from tests.projectors.loosenings import LOOSENINGS, ROOT, Loosening


@pytest.mark.parametrize("loosening", LOOSENINGS, ids=lambda loosening: loosening.rule)
def test_a_loosening_is_of_the_code_as_it_is_and_its_test_exists(loosening: Loosening) -> None:
    text = (ROOT / loosening.file).read_text()
    for old, new in loosening.edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    compile(text, loosening.file, "exec")
    file, _, name = loosening.test.partition("::")
    assert not name or re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
