#!/usr/bin/env python3
"""Holds the table of layers: who may include whom, and which library belongs to whom.

    tests/layering_test.py [ROOT]      first tests itself on planted faults, then the tree at ROOT
    tests/layering_test.py --table     prints the table as gateway/ARCHITECTURE.md shows it
"""

import re
import sys
import tempfile
from pathlib import Path

# The table. A layer may include itself and what is named here.
LAYERS = {
    "gateway/base": [],
    "tls": ["gateway/base"],
    "gateway/sse": ["gateway/base"],
    "gateway/http": ["gateway/base"],
    "gateway/auth": ["gateway/base"],
    "gateway/net": ["gateway/base", "tls"],
    "gateway/journal": ["gateway/base", "gateway/sse", "gateway/net"],
    "gateway/redis": ["gateway/base", "tls", "gateway/sse", "gateway/net", "gateway/journal"],
    "gateway/hub": ["gateway/base", "gateway/sse", "gateway/journal"],
    "gateway/h2": ["gateway/base", "gateway/http"],
    "gateway/h1": ["gateway/base", "gateway/http"],
    "gateway/relay": ["gateway/base", "gateway/sse", "gateway/http", "gateway/net", "gateway/h1", "gateway/h2"],
    "gateway/server": ["gateway/base", "tls", "gateway/sse", "gateway/http", "gateway/auth", "gateway/net",
                       "gateway/journal", "gateway/redis", "gateway/hub", "gateway/h2", "gateway/h1", "gateway/relay"],
    "gateway/main.cc": ["gateway/server"],
}

# Beginning of an <include> -> the only files that may have it. A "*" stands for any part of a name.
LIBRARIES = {
    "openssl/": ["tls/*", "gateway/auth/*"],
    "event2/": ["gateway/net/*"],
    "nghttp2/": ["gateway/h2/*"],
    "llhttp": ["gateway/h1/*"],
    "nlohmann/": ["gateway/auth/*", "gateway/server/*"],
    "toml++/": ["gateway/server/config*.cc"],
    "CLI/": ["gateway/server/cli.cc"],
    "httplib.h": ["gateway/server/client.cc", "gateway/server/jwks_fetch.cc"],
    "spdlog/": ["gateway/base/log.cc"],
    "prometheus/": ["gateway/server/metrics.cc"],
    "lmdb.h": ["gateway/journal/*"],
    "sanitizer/": ["gateway/h2/memory.cc"],
    "xxhash.h": ["gateway/journal/*"],
    "hiredis/": ["gateway/redis/*"],
    "re2/": ["gateway/hub/*"],
    "fmt/": ["*"],
    "tl/": ["*"],
    "sys/socket.h": ["tls/*", "gateway/net/*", "gateway/server/*"],
    "netinet/": ["tls/*", "gateway/net/*", "gateway/server/*"],
    "netdb.h": ["gateway/net/*", "gateway/server/*"],
    "sys/": ["*"],
    "arpa/": ["*"],
    "linux/": ["*"],
}
ONE_FILE_ONLY = ["toml++/", "CLI/", "spdlog/", "prometheus/"]
# Their types may be named by headers of their own layer only: no other layer sees their headers.
NOT_THROUGH_HEADERS = ["openssl/", "event2/", "nghttp2/", "llhttp", "nlohmann/", "lmdb.h", "xxhash.h", "hiredis/",
                       "re2/"]
POSIX = {"dirent.h", "dlfcn.h", "fcntl.h", "grp.h", "ifaddrs.h", "malloc.h", "net/if.h", "poll.h", "pthread.h", "pwd.h",
         "sched.h", "signal.h", "spawn.h", "stdint.h", "termios.h", "time.h", "unistd.h", "endian.h", "errno.h", "getopt.h",
         "string.h", "stdlib.h", "stdio.h", "limits.h"}
EXEMPT = ("tests/", "bench/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path):
    """The layer that a file belongs to, None if it belongs to none."""
    if path in LAYERS:
        return path
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    return folder if folder in LAYERS else None


def library_of(header):
    """The key of LIBRARIES for an <include>, None for the standard library's."""
    return next((key for key in LIBRARIES if header.startswith(key)), None)


def matches(path, pattern):
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), path) is not None


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.faults = []
        self.includes = {}  # file -> [(line, bracket, target)]
        for top in ("gateway", "tls", "tests", "bench"):
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix in (".h", ".cc") and "node_modules" not in path.parts:
                    self.read(path)

    def read(self, path):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(self.root).as_posix()
        self.includes[name] = [(text.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in INCLUDE.finditer(text)]
        if name.endswith(".h") and "#pragma once" not in text:
            self.fault(name, 1, "a header needs #pragma once")

    def fault(self, path, line, message):
        self.faults.append(f"{path}:{line}: {message}")

    def check(self):
        self.check_table()
        for path, includes in self.includes.items():
            for line, bracket, target in includes:
                if bracket == '"':
                    self.check_ours(path, line, target)
                elif not path.startswith(EXEMPT):
                    self.check_theirs(path, line, target)
        self.check_one_file_only()
        self.check_hidden_headers()
        self.check_cycles()
        self.check_tests_are_built()
        return self.faults

    def check_table(self):
        """The table itself has no cycle: each layer's own list names only layers above it in the table."""
        seen = set()
        for layer, may in LAYERS.items():
            for other in set(may) - seen:
                self.fault("tests/layering_test.py", 1, f"{layer} may include {other}, which comes later in the table")
            seen.add(layer)

    def check_ours(self, path, line, target):
        if target not in self.includes:
            self.fault(path, line, f'"{target}" is no file of ours: name it from the root of the repository')
            return
        if path.startswith(EXEMPT):
            return
        here, there = layer_of(path), layer_of(target)
        if here is None:
            self.fault(path, line, "this file is in no layer: add its folder to the table in tests/layering_test.py")
        elif there is None:
            self.fault(path, line, f"{here} may not include {target}, which is in no layer")
        elif there != here and there not in LAYERS[here]:
            self.fault(path, line, f"{here} may not include {there} ({target})")

    def check_theirs(self, path, line, target):
        library = library_of(target)
        if library is None:
            is_standard = "." not in target and "/" not in target
            if not is_standard and target not in POSIX:
                self.fault(path, line, f"<{target}> is of no library in the table in tests/layering_test.py")
        elif not any(matches(path, pattern) for pattern in LIBRARIES[library]):
            self.fault(path, line, f"<{target}> may be included by {', '.join(LIBRARIES[library])} only")

    def users_of(self, library):
        return [path for path, includes in self.includes.items() if not path.startswith(EXEMPT)
                and any(b == "<" and library_of(t) == library for _, b, t in includes)]

    def check_one_file_only(self):
        for library in ONE_FILE_ONLY:
            for path in self.users_of(library)[1:]:
                self.fault(path, 1, f"<{library}…> is included by {self.users_of(library)[0]} already; one file only")

    def check_hidden_headers(self):
        for library in NOT_THROUGH_HEADERS:
            for header in (path for path in self.users_of(library) if path.endswith(".h")):
                for path in self.everything_that_includes(header):
                    if not path.startswith(EXEMPT) and layer_of(path) != layer_of(header):
                        self.fault(path, 1, f"sees <{library}…> through {header}: forward-declare there")

    def everything_that_includes(self, header):
        found, todo = set(), [header]
        while todo:
            target = todo.pop()
            users = {p for p, includes in self.includes.items() if any(b == '"' and t == target for _, b, t in includes)}
            todo += users - found
            found |= users
        return sorted(found)

    def check_cycles(self):
        done, way = set(), []

        def visit(path):
            if path in way:
                self.fault(path, 1, "a cycle of includes: " + " → ".join(way[way.index(path):] + [path]))
            elif path not in done:
                way.append(path)
                for _, bracket, target in self.includes[path]:
                    if bracket == '"' and target in self.includes:
                        visit(target)
                done.add(way.pop())

        for path in self.includes:
            visit(path)

    def check_tests_are_built(self):
        """A unit test that is not in the list of tests/meson.build would never run."""
        listed = (self.root / "tests/meson.build").read_text(encoding="utf-8")
        for path in self.includes:
            test = re.fullmatch(r"tests/(\w+/\w+)_test\.cc", path)
            if test and f"'{test[1]}'" not in listed:
                self.fault(path, 1, "this test is not in the list in tests/meson.build")


# What the test must find, planted in a tree that is otherwise good: {file: text}, part of the fault.
GOOD = {
    "gateway/base/a.h": "#pragma once\n#include <vector>\n",
    "gateway/base/log.cc": "#include <spdlog/spdlog.h>\n#include <unistd.h>\n",
    "gateway/sse/event.h": '#pragma once\n#include "gateway/base/a.h"\n',
    "gateway/hub/hub.h": '#pragma once\n#include "gateway/sse/event.h"\n',
    "gateway/h2/handles.h": "#pragma once\n#include <nghttp2/nghttp2.h>\n",
    "gateway/h2/session.h": "#pragma once\nstruct nghttp2_session;\n",
    "gateway/h2/session.cc": '#include "gateway/h2/handles.h"\n#include "gateway/h2/session.h"\n',
    "gateway/server/cli.h": '#pragma once\n#include "gateway/hub/hub.h"\n',
    "gateway/main.cc": '#include "gateway/server/cli.h"\n',
    "tests/hub/hub_test.cc": '#include "gateway/hub/hub.h"\n#include "gateway/h2/session.h"\n#include <doctest/doctest.h>\n',
    "tests/meson.build": "unit_tests = {\n  'hub/hub': hub_dep,\n}\n",
}
PLANTED = [
    ({"gateway/base/b.h": '#pragma once\n#include "gateway/sse/event.h"\n'}, "gateway/base may not include gateway/sse"),
    ({"gateway/hub/x.cc": '#include "gateway/h2/session.h"\n'}, "gateway/hub/x.cc:1: gateway/hub may not include gateway/h2"),
    ({"gateway/hub/x.cc": '  #  include\t"gateway/server/cli.h"\n'}, "gateway/hub may not include gateway/server"),
    ({"gateway/hub/x.cc": "// one\n#include <nghttp2/nghttp2.h>\n"}, "gateway/hub/x.cc:2: <nghttp2/nghttp2.h> may be"),
    ({"gateway/hub/x.cc": "#include <sys/socket.h>\n"}, "<sys/socket.h> may be included by"),
    ({"gateway/h1/x.cc": "#include <openssl/ssl.h>\n"}, "<openssl/ssl.h> may be included by tls/*"),
    ({"gateway/server/x.cc": "#include <event2/event.h>\n"}, "<event2/event.h> may be"),
    ({"gateway/server/x.cc": "#include <CLI/CLI.hpp>\n"}, "<CLI/CLI.hpp> may be included by gateway/server/cli.cc only"),
    ({"gateway/server/config.cc": "#include <toml++/toml.h>\n",
      "gateway/server/config_check.cc": "#include <toml++/toml.h>\n"}, "one file only"),
    ({"gateway/server/x.cc": '#include "gateway/h2/handles.h"\n'}, "through gateway/h2/handles.h"),
    ({"gateway/hub/x.cc": "#include <jwt/jwt.h>\n"}, "is of no library"),
    ({"gateway/hub/x.cc": '#include "hub.h"\n'}, "is no file of ours"),
    ({"gateway/hub/x.cc": '#include "tests/hub/help.h"\n', "tests/hub/help.h": "#pragma once\n"}, "is in no layer"),
    ({"gateway/misc/x.cc": '#include "gateway/base/a.h"\n'}, "this file is in no layer"),
    ({"gateway/main.cc": '#include "gateway/hub/hub.h"\n'}, "gateway/main.cc may not include gateway/hub"),
    ({"gateway/hub/y.h": '#pragma once\n#include "gateway/hub/z.h"\n',
      "gateway/hub/z.h": '#pragma once\n#include "gateway/hub/y.h"\n'}, "a cycle of includes"),
    ({"gateway/hub/y.h": "struct Y {};\n"}, "#pragma once"),
    ({"tests/hub/more_test.cc": "#include <doctest/doctest.h>\n"}, "is not in the list in tests/meson.build"),
]


def faults_in(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Tree(root).check()


def test_itself():
    """A test that cannot fail is none: every planted fault must be found, and a good tree be good."""
    failures = [f"a good tree has the fault: {fault}" for fault in faults_in(GOOD)]
    for files, expected in PLANTED:
        faults = faults_in(GOOD | files)
        if not any(expected in fault for fault in faults):
            failures.append(f"planted {files}: expected “{expected}”, found {faults}")
    return failures


def print_table():
    print("| layer | may include |\n| --- | --- |")
    for layer, may in LAYERS.items():
        names = ", ".join(name.removeprefix("gateway/") for name in may)
        print(f"| `{layer}` | {'every layer' if len(may) == len(LAYERS) - 2 else names or '–'} |")
    print("\n| library | only in |\n| --- | --- |")
    for library, places in LIBRARIES.items():
        if places != ["*"]:
            print(f"| `<{library}{'…' if library.endswith('/') else ''}>` | {', '.join(f'`{place}`' for place in places)} |")


def main(argv):
    if argv[1:] == ["--table"]:
        print_table()
        return 0
    root = Path(argv[1]) if len(argv) > 1 else Path(__file__).resolve().parent.parent
    tree = Tree(root)
    faults = test_itself() + tree.check()
    print("\n".join(faults) or f"{len(tree.includes)} files keep to the table; {len(PLANTED)} planted faults were found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
