#!/usr/bin/env python3
"""Prepare a fleet's databases before its shards; doing it again, or many at once, changes nothing.

Run it in the folder of meltano.yml, with the environment of run_shard.sh: shards that start
together on an empty database would each create the schema, and Meltano its tables, and all but one
would fail. In Python, as whoever has target-postgres has SQLAlchemy too, but seldom psql.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import sqlalchemy

#: Where meltano.yml lets the tables land.
SCHEMA = os.environ.get("META_FLEET_SCHEMA", "tap_meta_partner")


def main() -> None:
    """Create the schema, and let Meltano create its tables, one process after the other."""
    missing = [
        name
        for name in ("TARGET_POSTGRES_SQLALCHEMY_URL", "MELTANO_DATABASE_URI")
        if not os.environ.get(name)
    ]
    if missing:
        sys.exit(f"not set: {', '.join(missing)}")
    os.umask(0o077)  # as run_shard.sh
    engine = sqlalchemy.create_engine(os.environ["TARGET_POSTGRES_SQLALCHEMY_URL"])
    with engine.begin() as connection:
        # Held to the end of the transaction. (`if not exists` alone is no protection: two at once
        # both see that there is none.)
        lock = sqlalchemy.text("select pg_advisory_xact_lock(hashtext('tap-meta-partner fleet'))")
        connection.execute(lock)
        connection.execute(sqlalchemy.schema.CreateSchema(SCHEMA, if_not_exists=True))
        own_folder = Path(os.environ.get("MELTANO_SYS_DIR_ROOT", ".meltano")) / "prepare"
        # Whichever command comes first creates Meltano's tables; this one is the shortest.
        subprocess.run(
            ["meltano", "state", "list"],
            env={**os.environ, "MELTANO_SYS_DIR_ROOT": str(own_folder)},
            check=True,
        )


if __name__ == "__main__":
    main()
