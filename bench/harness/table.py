"""The table that a run prints."""
import statistics

from harness.columns import (COLUMNS, FAULTS, NOTHING, RATIOS, baseline_of, faults_of, figure,
                             head_of_ratio, label_of_baseline, ratio_of, reason_void, remarks_on)
from harness.marks import ADDED, marked_value, verdict_of


def with_ratio(text, result, base, column):
    """Beside the first column, whose ratio has a column of its own, some have one in brackets."""
    name, path, _ = column
    ratio = ratio_of(result, base, path) if name in RATIOS and base is not result else None
    return f"{text} ({ratio:.2f}x)" if ratio else text


def steal_of(report, phase):
    return f"{max(report[phase]['steal'], default=0):.2f}"


def row_of(result, results, scenario, footnotes):
    """One line of the table: medians, the least and most of the first column, and the faults."""
    columns = COLUMNS[scenario["report"]]
    _, path, form = columns[0]
    base = baseline_of(result, results, scenario)
    if not result["median"]:
        footnotes.append(f"{result['shape']} {result['system']}: {result['void'][0]}")
        return [result["shape"], result["system"], f"{NOTHING} [{len(footnotes)}]"]
    if result["void"]:
        footnotes.append(f"{result['shape']} {result['system']}: {len(result['void'])} of "
                         f"{len(result['rounds'])} rounds without figures: {result['void'][0]}")
    verdict = verdict_of(result, base, columns)

    def with_marks(words, column):
        is_marked = verdict and result["marks"]["of"] == column
        return f"{words} ({verdict})" if is_marked else words

    ratio = ratio_of(result, base, path)
    ratio = with_marks(f"{ratio:.2f}" if ratio else NOTHING, "ratio")
    shown = [with_marks(with_ratio(figure(result, column), result, base, column), column[0])
             for column in columns]
    if verdict and result["marks"]["of"] == ADDED:
        added = form.format(marked_value(result, base, columns))
        shown[0] = with_marks(f"{shown[0]} +{added}", ADDED)
    for remark in remarks_on(result, scenario):
        footnotes.append(f"{result['shape']} {result['system']}: {remark}")
        shown[1] += f" [{len(footnotes)}]"
    spread = result["spread"][path]
    faults = faults_of(result)
    others = sum(count for kind, count in faults.items() if kind not in FAULTS)
    phase = "setup" if path.startswith("setup") else "measured"
    steal = " ".join(steal_of(report, phase) for report in result["rounds"]
                     if not reason_void(report))
    return [result["shape"], result["system"], shown[0],
            f"{form.format(spread['least'])}-{form.format(spread['most'])}",
            *([ratio] if head_of_ratio(results, scenario) else []), *shown[1:],
            *[str(faults[kind]) for kind in FAULTS], str(others), steal]


def print_table(scenario, results):
    columns = COLUMNS[scenario["report"]]
    ratio_head = head_of_ratio(results, scenario)
    head = ["shape", "system", columns[0][0], "least-most", *([ratio_head] if ratio_head else []),
            *[name for name, _, _ in columns[1:]], "gaps", "dups", "other faults", "steal"]
    footnotes = []
    named = {result["shape"]: label_of_baseline(result, scenario) for result in results
             if label_of_baseline(result, scenario)}
    footnotes += [f"{shape} is held against {label}" for shape, label in named.items()]
    rows = [head, *[row_of(result, results, scenario, footnotes) for result in results]]
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for number, text in enumerate(footnotes, 1):
        print(f"[{number}] {text}")


def print_fsync(results):
    times = [report["fsync_ms"] for result in results for report in result["rounds"]
             if "fsync_ms" in report]
    if times:
        print(f"fdatasync of 4 KiB appended, beside each run with a file: {min(times):.2f} to "
              f"{max(times):.2f} ms, median {statistics.median(times):.2f} (each a median of 200)")
