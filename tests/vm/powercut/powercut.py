"""Many power cuts, two machines at a time: `make powercut N=200 [SEED=…]`. Ends with status 1 where anything differs."""

import argparse
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from powercut_chain import Cut, play, reference
from powercut_machine import power_on
from powercut_story import CUT, STORIES

# How many cuts in a row a machine gets.
IN_A_ROW = (1, 2, 3, 4)


def main() -> int:
    """Play so many cuts, and sum them up."""
    options = arguments()
    if options.again:
        return again(options.again)
    started = time.monotonic()
    print(f"seed {options.seed}, {options.cuts} cuts", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="provision-powercut-") as folder,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        stories = [STORIES[name] for name in options.story]
        origins = list(pool.map(lambda story: reference(story, Path(folder)), stories))
        print(f"{len(origins)} undisturbed runs, {time.monotonic() - started:.0f} s", flush=True)
        cuts: list[Cut] = []
        done = threading.Lock()

        def chain(row: tuple[int, str, int]) -> None:
            number, seed, length = row
            for cut in play(origins[number % len(origins)], seed, length):
                with done:
                    cuts.append(cut)
                    print(f"[{len(cuts)}/{options.cuts}] {cut.describe()}", flush=True)

        for future in [pool.submit(chain, row) for row in rows(options.seed, options.cuts)]:
            future.result()
    bad = [cut for cut in cuts if cut.trouble]
    stuck = [cut for cut in bad if cut.trouble[0].startswith(("FAILED", "it ended"))]
    kinds = Counter(cut.kind for cut in cuts)
    print(
        f"{len(cuts)} cuts ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}), seed {options.seed}: "
        f"{len(bad) - len(stuck)} differ, {len(stuck)} need a hand, {time.monotonic() - started:.0f} s"
    )
    return 1 if bad else 0


def rows(seed: str, cuts: int) -> list[tuple[int, str, int]]:
    """The machines: number, seed, and how many cuts each gets."""
    random = Random(seed)
    found: list[tuple[int, str, int]] = []
    while cuts:
        length = min(random.choice(IN_A_ROW), cuts)
        found.append((len(found), f"{seed}.{len(found)}", length))
        cuts -= length
    return found


def again(folder: Path) -> int:
    """Switch a machine on with the disks that were kept, and show its console."""
    story = STORIES[folder.name.partition("-")[0]]
    with tempfile.TemporaryDirectory(prefix="provision-powercut-") as place:
        power = power_on(story, folder, Path(place))
        print(power.console)
        return 0 if power.survey is not None else 1


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--story", action="append", choices=sorted(STORIES))
    parser.add_argument("--again", type=Path, help="a folder below build/powercut")
    options = parser.parse_args()
    options.story = options.story or list(CUT)
    return options


if __name__ == "__main__":
    sys.exit(main())
