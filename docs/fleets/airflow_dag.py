"""A fleet of shards in Airflow 3: prepare the databases, then one mapped task for each shard.

Copy this file into the DAGs folder. What it needs is configured outside of it:

- Airflow variables, read at each run (or AIRFLOW_VAR_… in the environment of the workers):
  `meta_fleet_project`, the folder of meltano.yml and `docs/fleets/`;
  `meta_fleet_bin`, the folder with meltano, tap-meta-partner, target-postgres and python3;
  `meta_fleet_shards`, how many shards.
- The settings of tap, loader and Meltano (README.md), in the environment of the workers. No secret
  belongs into this file or into a variable.
- What shapes the DAG itself, in the environment of whatever parses it: the constants below.
"""

from __future__ import annotations

import datetime as dt
import os

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Variable, dag, task

SCHEDULE = os.environ.get("META_FLEET_SCHEDULE", "0 4 * * *") or None
#: One process, at most so many requests (`max_concurrency`) and one loader for each at a time.
SHARDS_AT_ONCE = int(os.environ.get("META_FLEET_SHARDS_AT_ONCE", "4"))
#: A pool of its own, where other DAGs use the same Meta app or the same database.
POOL = os.environ.get("META_FLEET_POOL", "default_pool")
RETRY_SECONDS = int(os.environ.get("META_FLEET_RETRY_SECONDS", "120"))
#: The tap begins no new window after RUN_MINUTES and ends well; Airflow ends what still runs then.
RUN_MINUTES = int(os.environ.get("META_FLEET_RUN_MINUTES", "150"))
TIMEOUT = dt.timedelta(minutes=RUN_MINUTES + 30)

#: What a variable says reaches the shell as a variable: were it written into the command, the shell
#: would run it.
IN_PROJECT = """
set -eu
umask 077
PATH="$META_FLEET_BIN:$PATH"
export PATH
cd -- "$META_FLEET_PROJECT"
"""


@dag(
    dag_id="meta_fleet",
    schedule=SCHEDULE,
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
    catchup=False,  # a run reads whatever is open: a missed night needs no run of its own
    max_active_runs=1,  # a shard must not run twice at once
    default_args={"retries": 2, "retry_delay": dt.timedelta(seconds=RETRY_SECONDS)},
    tags=["meta", "meltano"],
)
def meta_fleet() -> None:
    """Load the ads insights of all ad accounts, shard by shard."""
    prepare = BashOperator(
        task_id="prepare",
        # The space at the end keeps Airflow from taking the command for the name of a template.
        bash_command=IN_PROJECT + "exec docs/fleets/prepare.py ",
        env={
            "META_FLEET_PROJECT": "{{ var.value.meta_fleet_project }}",
            "META_FLEET_BIN": "{{ var.value.meta_fleet_bin }}",
        },
        append_env=True,
        execution_timeout=dt.timedelta(minutes=10),
    )

    @task
    def shards() -> list[dict[str, str]]:
        count = int(Variable.get("meta_fleet_shards"))
        place = {
            "META_FLEET_PROJECT": str(Variable.get("meta_fleet_project")),
            "META_FLEET_BIN": str(Variable.get("meta_fleet_bin")),
            "SHARD_COUNT": str(count),
        }
        return [{**place, "SHARD_INDEX": str(index)} for index in range(count)]

    shard = BashOperator.partial(
        task_id="shard",
        bash_command=IN_PROJECT
        + f': "${{TAP_META_PARTNER_MAX_RUN_MINUTES:={RUN_MINUTES}}}"\n'
        + "export TAP_META_PARTNER_MAX_RUN_MINUTES\n"
        + 'exec docs/fleets/run_shard.sh "$SHARD_INDEX" "$SHARD_COUNT"',
        append_env=True,
        execution_timeout=TIMEOUT,
        max_active_tis_per_dagrun=SHARDS_AT_ONCE,
        pool=POOL,
        map_index_template="shard {{ task.env['SHARD_INDEX'] }}",
    ).expand(env=shards())

    prepare >> shard


meta_fleet()
