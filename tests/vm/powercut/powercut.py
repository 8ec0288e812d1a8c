"""Many power cuts, two machines at a time: `make powercut N=200 [SEED=…]`. Ends with status 1 where anything differs."""

import argparse
import json
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from powercut_chain import Cut, Reference, differences, play, reference
from powercut_machine import power_on
from powercut_obstacles import Met, meet, rounds
from powercut_story import CUT, STORIES

# How many cuts in a row a machine gets.
IN_A_ROW = (1, 2, 3, 4)
# Beside so many cuts one machine of each kind of obstacle, and the story that it is put into.
CUTS_PER_OBSTACLE = 20
OBSTACLES = {"full": "existing", "errors": "sliced"}


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
        names = sorted({*options.story, *OBSTACLES.values()} if options.cuts >= CUTS_PER_OBSTACLE else options.story)
        found = pool.map(lambda name: reference(STORIES[name], Path(folder)), names)
        origins = dict(zip(names, found, strict=True))
        print(f"{len(origins)} undisturbed runs, {time.monotonic() - started:.0f} s", flush=True)
        cuts: list[Cut] = []
        met: list[Met] = []
        done = threading.Lock()

        def chain(row: tuple[int, str, int]) -> None:
            number, seed, length = row
            for cut in play(origins[options.story[number % len(options.story)]], seed, length):
                with done:
                    cuts.append(cut)
                    print(f"[{len(cuts)}/{options.cuts}] {cut.describe()}", flush=True)

        def obstacle(row: tuple[str, str, str, tuple[str, ...]]) -> None:
            story, mode, seed, points = row
            one = meet(origins[story], mode, seed, points)
            with done:
                met.append(one)
                print(one.describe(), flush=True)

        jobs = [pool.submit(chain, row) for row in rows(options.seed, options.cuts)]
        jobs += [pool.submit(obstacle, row) for row in obstacles(origins, options)]
        for job in jobs:
            job.result()
    return summary(options.seed, cuts, met, time.monotonic() - started)


def obstacles(
    origins: dict[str, Reference], options: argparse.Namespace
) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """The machines with obstacles: story, mode, seed, and the points at which an applier is killed."""
    count = options.cuts // CUTS_PER_OBSTACLE
    for story in options.story:
        for number, points in enumerate(rounds(origins[story], options.seed, count) if count else ()):
            yield story, "faults", f"{options.seed}.{number}", points
    for mode, story in OBSTACLES.items():
        for number in range(count):
            yield story, mode, f"{options.seed}.{number}", ()


def summary(seed: str, cuts: Sequence[Cut], met: Sequence[Met], seconds: float) -> int:
    """The last line; the answer is the exit code."""
    troubles = [each.trouble for each in cuts] + [each.trouble for each in met]
    bad = [trouble[0] for trouble in troubles if trouble]
    stuck = [words for words in bad if words.startswith(("FAILED", "it ended"))]
    kinds = Counter(each.kind for each in cuts) + Counter(f"with {each.mode}" for each in met)
    what = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(
        f"{len(cuts)} cuts and {len(met)} machines with obstacles ({what}), seed {seed}: "
        f"{len(bad) - len(stuck)} differ, {len(stuck)} need a hand, {seconds:.0f} s"
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
    """Switch a machine on with the disks that were kept, show its console, and compare."""
    story = STORIES[folder.name.partition("-")[0]]
    with tempfile.TemporaryDirectory(prefix="provision-powercut-") as place:
        power = power_on(story, folder, Path(place))
        print(power.console)
    wanted = json.loads((folder / "wanted.json").read_text())
    trouble = [power.status] if power.survey is None else list(differences(wanted, power.survey))
    print("\n".join(trouble) or "no difference")
    return 1 if trouble else 0


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
