#!/usr/bin/env python3
"""Hand the bookmarks of a fleet on to another number of shards: reshard.py OLD NEW.

OLD is 1 for `meltano run tap-meta-partner …` as well, without shards.

Run it in the folder of meltano.yml, with the environment of run_shard.sh, while no shard runs. The
old states are read and left as they are; the new ones are written, over any of the same name.

Meltano's own `state merge` does not do for this: of two lists of accounts it keeps the second.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from typing import Any

from tap_meta_partner.accounts.wanted import shard_of

#: What run_shard.sh calls a shard, at the end of Meltano's state id.
STATE_ID = re.compile(r"(?P<job>.+):shard-(?P<index>\d+)-of-(?P<count>\d+)")
#: What Meltano itself calls the state of a run without shards.
PLAIN_STATE_ID = re.compile(r"[^:]+:tap-meta-partner[^:]*")
State = dict[str, Any]


def dealt_anew(states: list[State], count: int) -> list[State]:
    """Return the states of `count` shards that hold the bookmarks of all of `states`.

    Each account's bookmarks go to its new shard; what a stream keeps beside them goes to all.
    """
    dealt: list[State] = [{"bookmarks": defaultdict(dict)} for _ in range(count)]
    for state in states:
        for stream, kept in state.get("bookmarks", {}).items():
            for new in dealt:
                beside = {key: value for key, value in kept.items() if key != "partitions"}
                new["bookmarks"][stream].update(beside)
            for partition in kept.get("partitions", []):
                new = dealt[shard_of(partition["context"]["account_id"], count)]
                new["bookmarks"][stream].setdefault("partitions", []).append(partition)
    return dealt


def fleets(exported: dict[str, State], count: int) -> dict[str, list[State]]:
    """Find the fleets of `count` shards in `meltano state export`: their states, by job.

    A shard that never closed a window has none, which is an empty one.
    """
    found: dict[str, list[State]] = {}
    for state_id, kept in sorted(exported.items()):
        match = STATE_ID.fullmatch(state_id)
        if match and int(match["count"]) == count:
            found.setdefault(match["job"], []).append(state_of(kept))
    if count == 1:
        for state_id, kept in exported.items():
            if PLAIN_STATE_ID.fullmatch(state_id):
                found.setdefault(state_id, [state_of(kept)])
    return found


def state_of(kept: State) -> State:
    """Return what Meltano would hand to the tap: what came in part over what is complete."""
    bookmarks: dict[str, Any] = {}
    for part in ("completed", "partial"):
        bookmarks |= ((kept.get(part) or {}).get("singer_state") or {}).get("bookmarks", {})
    return {"bookmarks": bookmarks}


def meltano_state(*arguments: str, given: str | None = None) -> str:
    """Run `meltano state`."""
    command = ["meltano", "state", *arguments]
    return subprocess.run(
        command, input=given, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def main() -> None:
    """Read the old states, deal the accounts anew, write the new ones."""
    try:
        old, new = (int(argument) for argument in sys.argv[1:])
    except ValueError:
        sys.exit("usage: reshard.py OLD NEW (two numbers of shards)")
    os.umask(0o077)  # as run_shard.sh
    found = fleets(json.loads(meltano_state("export")), old)
    if not found or new < 1:
        sys.exit(f"there is no state of a fleet of {old} shards" if not found else "NEW: 1 or more")
    for job, states in found.items():
        dealt = dealt_anew(states, new)
        written = {
            f"{job}:shard-{index}-of-{new}": {
                "completed": {"singer_state": state},
                "partial": {},
            }
            for index, state in enumerate(dealt)
        }
        meltano_state("import", given=json.dumps(written))
        accounts = len(
            {
                partition["context"]["account_id"]
                for state in states
                for kept in state["bookmarks"].values()
                for partition in kept.get("partitions", [])
            }
        )
        sys.stdout.write(f"{job}: {accounts} accounts of {len(states)} states, now in {new}\n")


if __name__ == "__main__":
    main()
