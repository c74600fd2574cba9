"""Fixtures of the end-to-end tests: a certificate, gateways, and a time limit for every test.

    SLUICE_BINARY=PATH [SLUICE_RELEASE_BINARY=PATH] python3 -m pytest tests/e2e [-m quick]

SLUICE_BINARY is the program that is tested, best a sanitizer build: a report fails the test that
caused it. SLUICE_RELEASE_BINARY is the one whose memory, bytes and delays are measured; only tests
that are not `quick` need it. With pytest-xdist, `-n 2 --dist loadfile` halves the time.
"""

import pathlib
import shutil
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import harness  # noqa: E402
import settings  # noqa: E402
from hostile import nobody_else_notices, target  # noqa: E402,F401
from redis_server import redis  # noqa: E402,F401

TIME_LIMIT = 60  # seconds; @pytest.mark.limit(seconds) sets another


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: part of the quick run")
    config.addinivalue_line("markers", "limit(seconds): the test's own time limit")


def pytest_sessionstart(session):
    """One clear word at the start, and not one for every test."""
    if not session.config.option.collectonly:
        try:
            harness.binary()
        except AssertionError as missing:
            pytest.exit(str(missing), returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Ends a test that hangs, with a traceback of where it hung."""
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else TIME_LIMIT

    def too_long(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its gateways wrote on stderr."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        shared = item.funcargs.get("target")
        for gateway in getattr(item, "sluice_gateways", []) + ([shared] if shared else []):
            text = gateway.stderr()[-6000:]
            report.sections.append((f"stderr of sluice in {gateway.directory}", text))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificate")
    settings.make_certificate(directory)
    return directory


class Yard:
    """Starts gateways, each in a folder of its own, and stops them all in the end."""

    def __init__(self, folder, certificate):
        self.folder, self.certificate, self.gateways = folder, certificate, []

    def start(self, program=None, **sections):
        directory = self.folder / f"gateway{len(self.gateways)}"
        directory.mkdir()
        for name in ("cert.pem", "key.pem"):
            shutil.copy(self.certificate / name, directory)
        gateway = harness.Gateway(directory, settings.config(**sections), program)
        self.gateways.append(gateway)
        gateway.start()
        return gateway

    def close(self):
        faults = []
        for gateway in self.gateways:
            try:
                if gateway.process and gateway.stopped_with is None:
                    gateway.stop()
                gateway.assert_no_report()
            except AssertionError as fault:
                faults.append(fault)
        if faults:
            raise faults[0]


@pytest.fixture
def start(tmp_path, certificate, request):
    """start(server={"workers": 2}, ...) gives a running gateway that is stopped, and held to a
    clean end, after the test."""
    yard = Yard(tmp_path, certificate)
    request.node.sluice_gateways = yard.gateways
    yield yard.start
    yard.close()


@pytest.fixture(scope="module")
def start_for_module(tmp_path_factory, certificate):
    """The same for a gateway that all tests of a file share."""
    yard = Yard(tmp_path_factory.mktemp("module"), certificate)
    yield yard.start
    yard.close()


@pytest.fixture
def gateway(start):
    """A gateway with the settings of hub.toml."""
    return start()
