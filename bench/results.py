"""The results of a run: a file for machines with a description of this one, and a plot for people.

In: what is written under bench/results. Not in: the drawing (plot.py).
"""

import json
import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.findings import Findings
from bench.plot import plot

FOLDER = Path(__file__).with_name("results")
GIB = 1024 * 1024


def machine(server: str) -> dict[str, Any]:
    """Describes this machine without naming it."""
    memory = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "memory_gib": round(int(memory) / GIB, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "temporal_server": server,
        "temporalio": version("temporalio"),
        "sqlalchemy": version("sqlalchemy"),
    }


def write(name: str, described: dict[str, Any], found: Findings) -> tuple[Path, Path]:
    """Writes both files and says where they are."""
    FOLDER.mkdir(exist_ok=True)
    data, picture = FOLDER / f"{name}.json", FOLDER / f"{name}.svg"
    content = described | {"rows": [row.as_json() for row in found.rows], "curves": found.curves}
    data.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    picture.write_text(plot(found), encoding="utf-8")
    return data, picture
