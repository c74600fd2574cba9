"""What each kind of report shows, and the table that a run prints."""
import statistics

# Name of a column, where it stands in the report of the program, how it is printed. The first is
# the figure that systems are compared by.
COLUMNS = {
    "delivery": [
        ("cpu us/delivery", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("deliveries/s", "measured.deliveries_per_s", "{:.0f}"),
        ("p50 ms", "measured.latency_ms.p50", "{:.2f}"),
        ("p99 ms", "measured.latency_ms.p99", "{:.2f}"),
        ("events/read", "measured.events_per_read", "{:.1f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
    ],
    "memory": [
        ("KiB/connection", "memory.kib_per_connection", "{:.2f}"),
        ("KiB/stream", "memory.kib_per_stream", "{:.3f}"),
        ("busy", "measured.server_busy", "{:.4f}"),
        ("set-up us/connection", "setup.server_cpu_us_per_connection", "{:.0f}"),
        ("KiB when gone", "memory.gone_kib", "{:.0f}"),
        ("MiB over start", "memory.kept_mib", "{:.1f}"),
    ],
    "handshake": [
        ("cpu us/connection", "setup.server_cpu_us_per_connection", "{:.0f}"),
        ("connections/s", "setup.connections_per_s", "{:.0f}"),
        ("first byte p50 ms", "setup.first_byte_ms.p50", "{:.1f}"),
        ("first byte p99 ms", "setup.first_byte_ms.p99", "{:.1f}"),
    ],
    "resume": [
        ("replay us/event", "measured.replay_cpu_us_per_event", "{:.3f}"),
        ("live us/delivery", "measured.live_cpu_us_per_delivery", "{:.3f}"),
        ("replay/live", "measured.replay_to_live", "{:.2f}"),
        ("of live: publishing", "measured.live_publishing_us", "{:.3f}"),
        ("caught up s", "measured.caught_up_s", "{:.2f}"),
        ("after last s", "measured.caught_up_after_last_s", "{:.3f}"),
        ("nothing missed s", "measured.nothing_missed_s", "{:.2f}"),
        ("reconnect us/stream", "measured.reconnect_cpu_us_per_stream", "{:.1f}"),
    ],
    "fair": [
        ("p99 shared/alone", "measured.shared_to_alone", "{:.2f}"),
        ("alone p50 ms", "measured.alone_p50_ms", "{:.3f}"),
        ("alone p99 ms", "measured.alone_p99_ms", "{:.3f}"),
        ("shared p50 ms", "measured.shared_p50_ms", "{:.3f}"),
        ("shared p99 ms", "measured.shared_p99_ms", "{:.3f}"),
        ("firehose/s", "measured.firehose_per_s", "{:.0f}"),
        ("full p99 ms", "measured.full_p99_ms", "{:.3f}"),
        ("full/s", "measured.firehose_most_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "slow": [
        ("peak MiB", "measured.peak_mib", "{:.1f}"),
        ("end MiB", "measured.end_mib", "{:.1f}"),
        ("healthy p50 ms", "measured.healthy_p50_ms", "{:.2f}"),
        ("healthy p99 ms", "measured.healthy_p99_ms", "{:.2f}"),
        ("healthy/s", "measured.healthy_deliveries_per_s", "{:.0f}"),
        ("cpu us/delivery", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("B/s of a slow one", "measured.slow_bytes_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "million": [
        ("MiB", "measured.peak_mib", "{:.0f}"),
        ("KiB/stream", "measured.kib_per_stream", "{:.3f}"),
        ("open s", "measured.open_s", "{:.1f}"),
        ("cpu s", "measured.open_cpu_s", "{:.1f}"),
        ("heartbeat s", "measured.heartbeat_s", "{:.1f}"),
        ("cpu s", "measured.heartbeat_cpu_s", "{:.2f}"),
        ("event s", "measured.event_s", "{:.2f}"),
        ("cpu s", "measured.event_cpu_s", "{:.2f}"),
        ("deliveries", "measured.deliveries", "{:.0f}"),
        ("drain s", "measured.drain_s", "{:.1f}"),
        ("cpu s", "measured.drain_cpu_s", "{:.2f}"),
        ("drained", "measured.drained", "{:.0f}"),
    ],
    "storm-latency": [
        ("p99 stormy/alone", "measured.stormy_to_alone", "{:.2f}"),
        ("alone p50 ms", "measured.alone_p50_ms", "{:.2f}"),
        ("alone p99 ms", "measured.alone_p99_ms", "{:.2f}"),
        ("stormy p50 ms", "measured.stormy_p50_ms", "{:.2f}"),
        ("stormy p99 ms", "measured.stormy_p99_ms", "{:.2f}"),
        ("connections/s", "measured.connections_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "publish": [
        ("cpu us/event", "measured.server_cpu_us_per_event", "{:.3f}"),
        ("events/s", "measured.events_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
        ("answer p50 ms", "measured.answer_ms.p50", "{:.2f}"),
        ("answer p99 ms", "measured.answer_ms.p99", "{:.2f}"),
        ("delay p50 ms", "measured.delay_ms.p50", "{:.2f}"),
    ],
}


def value_at(report, path):
    for key in path.split("."):
        report = report[key]
    return report


def add_medians(scenario, results):
    for result in results:
        result["median"] = {
            path: statistics.median(value_at(report, path) for report in result["rounds"])
            for _, path, _ in COLUMNS[scenario["report"]]}


def row_of(result, base, columns):
    """One line of the table: medians, the least and most of the first column, and the faults."""
    path = columns[0][1]
    each = [value_at(report, path) for report in result["rounds"]]
    median = result["median"]
    is_comparable = base and base["median"][path]
    ratio = f"{median[path] / base['median'][path]:.2f}" if is_comparable else "–"
    faults = {}
    for report in result["rounds"]:
        for kind, count in report["faults"].items():
            faults[kind] = faults.get(kind, 0) + count
    phase = "setup" if path.startswith("setup") else "measured"
    steal = " ".join(f"{max(report[phase]['steal'], default=0):.2f}" for report in result["rounds"])
    shown = [form.format(median[where]) for _, where, form in columns]
    spread = f"{columns[0][2].format(min(each))}-{columns[0][2].format(max(each))}"
    others = sum(n for kind, n in faults.items() if kind not in ("gaps", "duplicates"))
    return [result["shape"], result["system"], shown[0], spread, ratio, *shown[1:],
            str(faults["gaps"]), str(faults["duplicates"]), str(others), steal]


def print_table(scenario, results):
    columns = COLUMNS[scenario["report"]]
    baseline, shape = scenario["baseline"], scenario.get("baseline_shape")
    head = ["shape", "system", columns[0][0], "least-most", f"/ {shape or baseline}",
            *[name for name, _, _ in columns[1:]], "gaps", "dups", "other faults", "steal"]
    rows = [head]
    for result in results:
        base = next((other for other in results
                     if (other["shape"], other["system"]) == (shape or result["shape"], baseline)),
                    None)
        rows.append(row_of(result, base, columns))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def print_fsync(results):
    times = [report["fsync_ms"] for result in results for report in result["rounds"]
             if "fsync_ms" in report]
    if times:
        print(f"fdatasync of 4 KiB appended, beside each run with a file: {min(times):.2f} to "
              f"{max(times):.2f} ms, median {statistics.median(times):.2f} (each a median of 200)")
