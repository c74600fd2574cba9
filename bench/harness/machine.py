"""What the figures were measured on."""
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

BUSY = 0.5  # load average from which the figures suffer
CONGESTION = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")


def output_of(*command):
    """What the command prints, or nothing when it cannot be had."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def machine(gateway):
    """To be asked before anything is run, for the load that others make."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "cpu": next((line.split(":")[1].strip() for line in cpuinfo if "model name" in line), ""),
        "cores": os.cpu_count(),
        "memory_kib": int(pathlib.Path("/proc/meminfo").read_text().split()[1]),
        "kernel": platform.release(),
        "congestion_control": congestion_control(),
        "load_average_at_start": os.getloadavg(),
        "openssl": output_of("openssl", "version"),
        "gateway": output_of(gateway, "version"),
        "commit": output_of("git", "-C", pathlib.Path(__file__).parent, "describe", "--always",
                            "--dirty"),
    }


def congestion_control():
    return CONGESTION.read_text().strip() if CONGESTION.exists() else ""


def warn_if_paced():
    """BBR sends by timers, on loopback too: those are what a server then spends its time with."""
    if congestion_control() == "bbr":
        print("this machine's connections are paced by BBR, whose timers cost more than a delivery; "
              "Linux's default: sysctl -w net.ipv4.tcp_congestion_control=cubic", file=sys.stderr)


def warn_if_busy():
    busy = os.getloadavg()[0]
    if busy > BUSY:
        print(f"the machine is busy (load average {busy:.1f}): wall figures are worth nothing, "
              "ratios little", file=sys.stderr)


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def fsync_ms(folder):
    """How long the disk takes: median of 200 times 4 KiB appended and fdatasync'ed."""
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)
