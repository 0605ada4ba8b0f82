#!/bin/sh
# Runs one shard of a fleet: run_shard.sh INDEX COUNT, in the folder of meltano.yml.
#
# The contract of one shard is written down here, once, for every engine. Why each line is there:
# README.md beside this file. Run prepare.py once before the shards.
set -eu

# Meltano writes the tap's settings, token and app secret among them, to a file while the run lasts,
# and leaves its rights to the umask: nobody else on this machine is to read it.
umask 077

index=${1:?"usage: run_shard.sh INDEX COUNT"}
count=${2:?"usage: run_shard.sh INDEX COUNT"}
name="shard-$index-of-$count"

# Without a place that outlives this process and that all shards share, every night would begin at
# start_date again, and nothing would say so.
: "${MELTANO_DATABASE_URI:?"where is the state kept? Set MELTANO_DATABASE_URI (or read README.md)"}"

# Which accounts.
export TAP_META_PARTNER_SHARD_INDEX="$index" TAP_META_PARTNER_SHARD_COUNT="$count"

# Runs of one plugin write the same files (its catalog), so each shard has a folder of its own.
export MELTANO_SYS_DIR_ROOT="${MELTANO_SYS_DIR_ROOT:-.meltano}/$name"

# --force: a run that was killed counts as running for five minutes, and its retry would be refused.
# That two of one shard do not run at once is the engine's to see to; all it costs is work done twice.
exec meltano run --force --state-id-suffix "$name" tap-meta-partner target-postgres
