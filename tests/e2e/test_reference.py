"""The reference pages in docs/ are printed by the program, so they cannot go stale."""

import pathlib
import subprocess

import harness
import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.mark.quick
@pytest.mark.parametrize("page, file", [("config", "configuration.md"), ("metrics", "metrics.md")])
def test_the_reference_page_is_what_the_program_prints(page, file):
    printed = subprocess.run([str(harness.binary()), "reference", page], capture_output=True,
                             text=True, check=True, timeout=30).stdout
    assert (DOCS / file).read_text() == printed, f"make it anew: sluice reference {page} > docs/{file}"
