#!/usr/bin/env python3
"""Says what came of a step of ./check: "PASSED FAILED" in the first line, then what failed and why.

    .ci/results.py KIND LOG STATUS

KIND     meson:BUILD_FOLDER, pytest or node, by what ran the tests; one: the step is its own only test
LOG      what the step printed
STATUS   its exit status
"""

import json
import re
import sys
from pathlib import Path

SHOWN = 60  # lines of one failure, the last ones


def end_of(lines):
    return lines if len(lines) <= SHOWN else [f"… {len(lines) - SHOWN} lines before", *lines[-SHOWN:]]


def of_meson(folder):
    """Test cases of doctest, and one for each test program that ended without a word about its cases."""
    passed, failed, shown = 0, 0, []
    for line in (folder / "meson-logs/testlog.json").read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        is_good = test["result"] == "OK"
        output, errors = test.get("stdout") or "", test.get("stderr") or ""
        cases = re.search(r"\[doctest\] test cases: *\d+ \| *(\d+) passed \| *(\d+) failed", output)
        passed += int(cases[1]) if cases else is_good
        failed += max(int(cases[2]) if cases else 0, not is_good)
        if not is_good:
            shown += [f"--- {test['name']}: {test['result']}, exit status {test['returncode']}"]
            shown += end_of(output.splitlines()) + end_of(errors.splitlines())
    return passed, failed, shown


def of_pytest(log):
    """Of each failure its traceback and what it printed, without what the programs under test said."""
    totals = [line for line in log if re.match(r"=* ?\d+ (passed|failed|error|skipped).* in [0-9.]+s", line)]
    counted = {word: int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", totals[-1] if totals else "")}
    shown = []
    for section in re.split(r"^(?=_{3,} .* _{3,}$)", "\n".join(log), flags=re.M)[1:]:
        body, *captured = re.split(r"^-+ Captured (?=\w+ \w+ -+$)", section, flags=re.M)
        printed = [part for part in captured if part.startswith("stdout")]
        shown += end_of(body.splitlines()) + [line for part in printed for line in end_of(part.splitlines())]
    failed = sum(counted.get(word, 0) for word in ("failed", "error", "errors"))
    return counted.get("passed", 0), failed, shown


def of_node(log):
    """The innermost tests that failed: those around them say only that these did."""
    count = {"pass": 0, "fail": 0, "cancelled": 0}
    shown = []
    for at, line in enumerate(log):
        if total := re.match(r"[#ℹ] (pass|fail|cancelled) (\d+)", line):
            count[total[1]] += int(total[2])
        if not (test := re.match(r"( *)not ok ", line)):
            continue
        end = next((i for i in range(at, len(log)) if log[i] == f"{test[1]}  ..."), len(log))
        if not any("subtestsFailed" in told for told in log[at:end]):
            shown += end_of(log[at:end])
    return count["pass"], count["fail"] + count["cancelled"], shown


def main(kind, log, status):
    lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        if kind.startswith("meson:"):
            passed, failed, shown = of_meson(Path(kind.partition(":")[2]))
        elif kind == "one":
            passed, failed, shown = int(status == "0"), int(status != "0"), []
        else:
            passed, failed, shown = {"pytest": of_pytest, "node": of_node}[kind](lines)
    except OSError as error:
        passed, failed, shown = 0, 1, [str(error)]
    # A step that failed has a failure, and one in which nothing was counted tested nothing.
    if failed == 0 and (status != "0" or passed == 0):
        failed = 1
    print(passed, failed)
    if failed:
        print(*(shown or end_of(lines)), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
