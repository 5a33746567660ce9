"""The short form of tests.functions.fuzz."""

from tests.functions.fuzz import apps, fuzz


def test_generated_requests_meet_no_5xx_and_every_answer_is_as_documented() -> None:
    with apps() as both:
        for app in both:
            seen = fuzz(app, 12)
            assert seen.total() > 80
            assert {status for status in seen if status < 300}
            assert {status for status in seen if status >= 400}
