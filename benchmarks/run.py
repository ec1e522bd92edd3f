"""Run one benchmark, some, or all, in an environment of their own.

    python benchmarks/run.py all
    python benchmarks/run.py cold memory
    python benchmarks/run.py all --quick

The first run makes the environment ``benchmarks/.venv`` with the package and the peers of
``requirements.txt``; a peer that cannot be installed is absent from the tables. Output is
shown and kept in ``benchmarks/results``, except that of a quick run, which is on little
data. Set SKMOE_DATA for the tables that need shared data, and have R with flexmix on the
path for its rows.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = [
    "cold", "memory", "per_pass", "rivals", "classification", "scaling", "latency",
    "users_choice", "overhead", "starts", "classical_starts", "uci", "any_expert",
    "routing_speed",
    "routing_cost", "routing_quality", "streaming", "gradient", "larger_than_memory",
    "dask_blocks", "kmeans_per_cluster", "conditional_mixtures", "outliers",
    "hierarchical_gate",
]  # fmt: skip
# These have no small version.
WHOLE_ONLY = {"outliers", "overhead", "starts", "classical_starts", "hierarchical_gate"}
# All of these ones' problems are shared data.
NEEDS_DATA = {"starts", "classical_starts", "uci", "any_expert"}
# These have many independent tasks, and keep what each has found.
HAS_TASKS = {"uci", "any_expert", "routing_quality"}
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


def make_environment(folder):
    """Create the environment if it is not there whole, and return its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = folder / "finished"
    if finished.exists():
        return python
    venv.create(folder, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--editable", HERE.parent], check=True)
    for line in (HERE / "requirements.txt").read_text().splitlines():
        # One by one: a peer that cannot be had does not keep the others out.
        if not line.startswith("#") and subprocess.run([*pip, line]).returncode:
            print(f"{line} cannot be installed; its rows will be missing.")
    finished.touch()
    return python


def run_script(python, name, quick, n_jobs):
    """Run one script, show its output, and keep it if it is a whole run."""
    command = [python, "-u", HERE / f"{name}.py", *["--quick"] * quick]
    if name in HAS_TASKS:
        command += ["--jobs", str(n_jobs)]
    lines = []
    print(f"=== {name}", flush=True)
    environment = os.environ | ONE_THREAD
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode == 0 and not quick:
        (HERE / "results" / f"{name}.txt").write_text("".join(lines))
    return process.returncode == 0


def main():
    """Run what the command line names, then draw the plots."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=[*SCRIPTS, "plots", "all"])
    parser.add_argument("--quick", action="store_true", help="little data, nothing kept")
    parser.add_argument("--jobs", type=int, default=1, help="processes, for tasks")
    parser.add_argument("--environment", type=Path, default=HERE / ".venv")
    arguments = parser.parse_args()
    everything = "all" in arguments.names
    names = [*SCRIPTS, "plots"] if everything else arguments.names
    if arguments.quick:
        names = [name for name in names if name not in {*WHOLE_ONLY, "plots"}]
    python = make_environment(arguments.environment.absolute())
    failed = []
    for name in names:
        if name == "plots":
            subprocess.run([python, HERE / "plots.py"], check=True)
        elif name in NEEDS_DATA and "SKMOE_DATA" not in os.environ:
            print(f"=== {name}\nskipped: SKMOE_DATA is not set")
        elif not run_script(python, name, arguments.quick, arguments.jobs):
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
