"""Whether the gateway meets what a scenario wants of it: `must` and `goal`, each an "at most", or
of a rate an "at least"."""
from harness.columns import ratio_of
from harness.systems import SLUICES

# Ratios of two p99s say nothing when the lower one is the machine's own noise already.
LOWER_P99 = {"p99 shared/alone": "measured.alone_p99_ms",
             "p99 stormy/alone": "measured.alone_p99_ms"}
NOISE_MS = 5
AT_LEAST = ("events/s",)
ADDED = "added"


def is_noise(result, column_name):
    return result["median"].get(LOWER_P99.get(column_name), 0) > NOISE_MS


def added_to(base, result, path):
    """By how much the result's median is above the baseline's."""
    if not base or base is result or path not in base["median"] or path not in result["median"]:
        return None
    return result["median"][path] - base["median"][path]


def marked_value(result, base, columns):
    """What the marks speak of: the ratio to the baseline, what is added to it, or the column that
    they name."""
    of = result["marks"]["of"]
    if of == "ratio":
        return ratio_of(result, base, columns[0][1])
    if of == ADDED:
        return added_to(base, result, columns[0][1])
    return next((result["median"].get(path) for name, path, _ in columns if name == of), None)


def verdict_of(result, base, columns):
    """Such as "must 1.3 met, goal 0.9 not met"; nothing where nothing is wanted or measured."""
    marks = result.get("marks")
    if not marks or result["system"] not in SLUICES:
        return ""
    value = marked_value(result, base, columns)
    if value is None:
        return ""
    if is_noise(result, marks["of"]):
        return "alone too slow to tell"
    sign = -1 if marks["of"] in AT_LEAST else 1
    return ", ".join(f"{kind} {marks[kind]:g} "
                     f"{'met' if sign * value <= sign * marks[kind] else 'not met'}"
                     for kind in ("must", "goal") if kind in marks)
