"""docs/mercure.md says of each rule which test holds it: these tests are there."""

import pathlib
import re

import pytest

pytestmark = pytest.mark.quick
HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = (ROOT / "docs" / "mercure.md").read_text()
REFERENCE = re.compile(r"(?:(test_\w+\.py))?::(test_\w+)|(tests/\w+/\w+\.(?:cc|test\.js))")


def test_every_test_that_the_rules_name_exists():
    file, seen = None, 0
    for name, test, path in REFERENCE.findall(PAGE):
        file = name or file
        seen += 1
        if path:
            assert (ROOT / path).is_file(), path
        else:
            assert f"def {test}(" in (HERE / file).read_text(), f"{file}::{test}"
    assert seen > 100


def test_every_rule_has_a_test_or_says_that_it_has_none():
    rules = PAGE.split("## Every rule")[1]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", rules, re.M)
    rows = [(rule, test) for rule, test in rows if rule not in ("rule", "---")]
    assert len(rows) > 40
    for rule, test in rows:
        assert REFERENCE.search(test) or test in ("*not done*", "is theirs to do"), rule
