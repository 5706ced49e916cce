"""The torture run in small: a minute of faults, and the end of everything it started."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import until

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 50
PATIENCE = 40.0


async def torture(folder: Path, *options: str) -> asyncio.subprocess.Process:
    """Starts a torture run whose temporary folder lies in `folder`."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "TEMPORAL_ADDRESS": "192.0.2.1:7233"}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.torture", *options),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


def processes(folder: Path) -> Iterator[str]:
    """Lists the processes that work in a folder, or were told of it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in f"{command} {(process / 'cwd').readlink()}":
                yield f"{process.name} {command}"
        except OSError:
            continue


@pytest.mark.timeout(300)
async def test_a_minute_of_faults(tmp_path: Path) -> None:
    """Whatever is killed for a minute: nothing twice, nothing about what is paid, nothing forgotten."""
    figures = tmp_path / "figures.json"
    run = await torture(tmp_path, "--seconds", f"{SECONDS}", "--figures", f"{figures}")
    output, _ = await run.communicate()
    assert run.returncode == 0, output.decode()
    told = json.loads(figures.read_text())
    assert not any(told["found"].values())
    assert told["figures"]["lifecycles"] >= 10
    assert told["figures"]["in the mailbox"] >= 5
    assert told["faults"]["killed at random"] >= 3
    assert told["faults"]["Temporal killed"] >= 1
    assert told["faults"]["killed at the door"] >= 1
    assert told["figures"]["events by the API"] >= 5
    assert told["faults"]["release"] == 1


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends processes with their parent")
async def test_nothing_outlives_a_killed_run(tmp_path: Path) -> None:
    """A run that is killed without warning takes its servers and its workers along."""
    run = await torture(tmp_path, "--seconds", "60")

    async def works() -> bool:
        return any("diary.log" in files for _, _, files in os.walk(tmp_path))

    async def is_over() -> bool:
        return not list(processes(tmp_path))

    try:
        await until(works, PATIENCE)
        assert len(list(processes(tmp_path))) > 2
    finally:
        run.send_signal(signal.SIGKILL)
    await run.wait()
    await until(is_over, PATIENCE)
