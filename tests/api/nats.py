"""A real NATS server with JetStream for tests, on 127.0.0.1, its files in a temporary folder.

In: finding, starting and stopping it. Not in: what is sent through it (test_broker.py).
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "nats-server"
START_SECONDS = 20.0


def program() -> str | None:
    """Finds the server's program; None where it is not installed."""
    return shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextmanager
def nats_server(binary: str) -> Iterator[str]:
    """Runs the server and gives its URL; leaves nothing behind."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="relance-nats-") as folder:
        log = Path(folder) / "log"
        command = [binary, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder, "-l", str(log)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
        try:
            _await_answer(process, port, log)
            yield f"nats://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.03)
    msg = f"nats-server does not answer:\n{log.read_text() if log.exists() else 'no log'}"
    raise RuntimeError(msg)
