"""The reference pages in docs/ are printed by the program, so they cannot go stale; so is the script."""

import pathlib

import harness
import pytest

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.quick
@pytest.mark.parametrize("page, file", [("config", "configuration.md"), ("metrics", "metrics.md")])
def test_the_reference_page_is_what_the_program_prints(page, file):
    printed = harness.run("reference", page).stdout
    assert (DOCS / file).read_text() == printed, f"make it anew: sluice reference {page} > docs/{file}"


@pytest.mark.quick
def test_the_script_that_is_printed_is_the_one_that_instances_call():
    """Byte for byte: Redis knows it by the hash of its text, so applications call the same one."""
    assert harness.run("reference", "script").stdout == (ROOT / "gateway/redis/journal.lua").read_text()
