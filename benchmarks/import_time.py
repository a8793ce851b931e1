"""Measures the time of an import in whole processes: this package and the official client, in turn.

Run with ``python -m benchmarks.import_time``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.environments import environment

ROUNDS = 7


def main() -> None:
    peer = environment("decart-0.2.4", "decart==0.2.4")
    ours = Path(sys.executable)
    cases = {
        "bare interpreter": (ours, "pass"),
        "import decart_nb": (ours, "import decart_nb"),
        "from decart_nb import DecartClient, models": (ours, "from decart_nb import DecartClient, models"),
        "from decart import DecartClient, models": (peer, "from decart import DecartClient, models"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for round_number in range(ROUNDS + 1):
        for name, (python, statement) in cases.items():
            began = time.perf_counter()
            subprocess.run([python, "-c", statement], check=True)
            if round_number:  # the first round fills the caches
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    bare, light, client, official = medians.values()
    print(f"median of {ROUNDS}, in ms   whole process   over bare")
    for name, median in medians.items():
        print(f"{name:44} {1000 * median:6.0f} {1000 * (median - bare):8.0f}")
    print(f"import decart_nb over bare: {1000 * (light - bare):.0f} ms (at most 50)")
    print(f"our client to the official one, over bare: {(client - bare) / (official - bare):.2f} (at most 0.7)")


if __name__ == "__main__":
    main()
