#!/usr/bin/env python3
"""Runs clang-tidy over every source file of the program and the benchmarks but for those that the build
makes, and compiles every header alone that is not the first include of its own source file.

    .ci/tidy.py BUILD_FOLDER       a build by clang++-14, for its compile_commands.json

What was found clean is remembered in build/tidy-cache by the content of the file and of every
header of ours that it sees, so that a second run looks only at what changed.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from layering_test import Tree  # noqa: E402

TIDY, CLANG = "clang-tidy-14", "clang++-14"
# The analyzer takes two thirds of the time, and looks for what the sanitizers watch in every test.
CHECKS = "--checks=-clang-analyzer-*"
FRONTEND_ONLY = ("-I", "-D", "-isystem", "-std", "-W", "-f", "-m", "-pthread")


def files_seen_by(tree, name):
    """`name` and every header of ours that it includes, directly or not."""
    found, todo = set(), [name]
    while todo:
        path = todo.pop()
        if path not in found and path in tree.includes:
            found.add(path)
            todo += [target for _, bracket, target in tree.includes[path] if bracket == '"']
    return sorted(found)


def is_compiled_alone(tree, header):
    """Its own source file has it first: if it lacked anything, no build would pass."""
    return tree.includes.get(header[:-2] + ".cc", [(0, "", "")])[:1] == [(1, '"', header)]


class Job:
    """One command about one file."""

    def __init__(self, tree, cache, name, command, folder):
        self.name, self.command, self.folder = name, command, folder
        digest = hashlib.sha256("\0".join(command).encode())
        digest.update((ROOT / ".clang-tidy").read_bytes())
        for path in files_seen_by(tree, name):
            digest.update(path.encode() + b"\0" + (ROOT / path).read_bytes())
        self.stamp = cache / digest.hexdigest()

    def run(self):
        done = subprocess.run(self.command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, check=False)
        if done.returncode == 0:
            self.stamp.touch()
        return self, done.returncode, done.stdout


def flags_of(entry):
    """What the front end needs of a compile command: no output, no dependency files."""
    words = iter(shlex.split(entry["command"])[1:])
    flags = []
    for word in words:
        if word in ("-o", "-MF", "-MQ", "-MT", "-c"):
            next(words, None)
        elif word.startswith(FRONTEND_ONLY):
            flags += [word, next(words)] if word in ("-I", "-isystem", "-D") else [word]
    return flags


def jobs(build):
    tree = Tree(ROOT)
    cache = ROOT / "build" / "tidy-cache"
    cache.mkdir(parents=True, exist_ok=True)
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        elsewhere = any(path.is_relative_to(ROOT / folder) for folder in ("build", "tests"))
        if path.is_relative_to(ROOT) and path.suffix == ".cc" and not elsewhere:
            entries.setdefault(path.relative_to(ROOT).as_posix(), entry)
    for name, entry in sorted(entries.items()):
        yield Job(tree, cache, name,
                  [TIDY, "--quiet", CHECKS, str(ROOT / name), "--", *flags_of(entry), "-Wno-error"],
                  entry["directory"])
    anybody = next(iter(entries.values()))
    flags = sorted({flag for entry in entries.values() for flag in flags_of(entry) if flag.startswith("-isystem")})
    for name in (name for name in tree.includes if name.endswith(".h") and not is_compiled_alone(tree, name)):
        yield Job(tree, cache, name, [CLANG, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                                      "-Wno-pragma-once-outside-header", "-Wno-unused-const-variable", f"-I{ROOT}",
                                      *flags, "-x", "c++", str(ROOT / name)], anybody["directory"])


def main(argv):
    if len(argv) != 2:
        print(__doc__)
        return 2
    every = list(jobs(Path(argv[1]).resolve()))
    todo = [job for job in every if not job.stamp.exists()]
    print(f"{len(every)} files, {len(every) - len(todo)} known to be clean", flush=True)
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job, status, output in pool.map(Job.run, todo):
            if status != 0:
                failed += 1
                print(f"--- {job.name}\n{output}", flush=True)
    print(f"{len(every) - failed} files clean, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
