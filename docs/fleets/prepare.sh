#!/bin/sh
# Prepares a fleet's databases, once before its shards; doing it again changes nothing.
# prepare.sh, in the folder of meltano.yml, with the same environment as run_shard.sh.
set -eu

: "${MELTANO_DATABASE_URI:?"where is the state kept? Set MELTANO_DATABASE_URI (or read README.md)"}"

# Shards that start at once on an empty database would each create the schema, and all but one fail.
# Python, as whoever has target-postgres has SQLAlchemy too, but seldom psql.
python3 - "${META_FLEET_SCHEMA:-tap_meta_partner}" <<'PYTHON'
import os
import sys

import sqlalchemy

engine = sqlalchemy.create_engine(os.environ["TARGET_POSTGRES_SQLALCHEMY_URL"])
with engine.begin() as connection:
    connection.execute(sqlalchemy.schema.CreateSchema(sys.argv[1], if_not_exists=True))
PYTHON

# Likewise Meltano's own tables, which whatever command comes first creates.
export MELTANO_SYS_DIR_ROOT="${MELTANO_SYS_DIR_ROOT:-.meltano}/prepare"
exec meltano --environment="${MELTANO_ENVIRONMENT:-dev}" state list
