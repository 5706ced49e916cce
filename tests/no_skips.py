"""In continuous integration a skipped test is a failure.

In: a pytest plugin, loaded by `make test`, active where the environment says CI=true.
Not in: what any test needs; each fixture says why it skips.
"""

import os

import pytest


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter else 0


def _refused(config: pytest.Config) -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"} and _skipped(config) > 0


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a run that passed by leaving tests out."""
    if exitstatus == pytest.ExitCode.OK and _refused(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says how many tests were left out, none included, and that the run fails for it where it does."""
    left_out = _skipped(config)
    if _refused(config):
        terminalreporter.section("skipped tests fail in CI", sep="-", red=True)
    terminalreporter.line(f"{left_out} skipped" + ("; their reasons stand above" if left_out else ""))
