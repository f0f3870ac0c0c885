"""Runs one real step in each framework that has an adapter, or that work is spread by, in an environment of its own.

The log of each is kept.

    python benchmarks/adapters.py [NAME ...] [--environments FOLDER]

Frameworks cannot all be installed together. An environment that is there already is used as it is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

ROOT = Path(__file__).resolve().parent.parent
STEPS, LOGS = ROOT / "benchmarks" / "adapter_steps", ROOT / "benchmarks" / "results" / "adapters"

NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "trl": (("trl==1.16.0", "torch", "transformers>=5.2", "."),),
    "skyrl": (("skyrl-gym==0.4.0", "."),),
    "openenv": (("openenv==0.10.0", "."),),
    # Its chat harness starts through uv.
    "verifiers": (("verifiers==0.4.0", "uv", "."),),
    # verl imports more than it declares.
    "verl": (("verl==0.9.1", "torch", "cachetools", "uvicorn", "fastapi", "pyarrow", "."),),
    # RLlib pins an older Gymnasium and works with the newer one.
    "ray": (("ray==2.60.0", "."),),
    "rllib": (("ray[rllib]==2.60.0", "torch"), ("gymnasium>=1.4,<2",), (".",)),
}
"""What is installed for each, one `pip install` after another."""


def environment(name: str, folder: Path) -> Path:
    """The Python of a framework's environment, made if it is not there."""
    python = folder / f"adapters-{name}" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
        for packages in NEEDS[name]:
            install = [str(python), "-m", "pip", "install", "--quiet", "-c", "constraints.txt", *packages]
            subprocess.run(install, cwd=ROOT, check=True)
    return python


def step(name: str, folder: Path) -> bool:
    """Runs a framework's step and keeps what it prints; whether it went well."""
    python = environment(name, folder)
    variables = {**os.environ, "HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1", "PYTHONWARNINGS": "ignore"}
    command = [str(python), f"{name}_step.py"]
    done = subprocess.run(command, cwd=STEPS, env=variables, capture_output=True, text=True, check=False)
    outcome = "ok" if done.returncode == 0 else f"failed with {done.returncode}"
    printed = done.stdout if done.returncode == 0 else done.stdout + done.stderr[-4000:]
    LOGS.mkdir(parents=True, exist_ok=True)
    log = f"$ python benchmarks/adapters.py {name}\n{printed}{outcome}\n"
    (LOGS / f"{name}.log").write_text(log, encoding="utf-8")
    print(log)
    return done.returncode == 0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", choices=[*NEEDS, []], default=[], metavar="NAME")
    arguments.add_argument("--environments", type=Path, default=Path(gettempdir()) / "tool-gym-adapters")
    chosen = arguments.parse_args()
    went_well = [step(name, chosen.environments) for name in chosen.names or NEEDS]
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
