#!/bin/sh
# Merges the shards of a study: submitted by scripts/slurm/study, to run when all of them are whole.
#SBATCH --job-name=farewell-merge
#SBATCH --ntasks=1
set -eu
out=$1 shards=$2
set --
while [ $# -lt "$shards" ]; do set -- "$@" "$out.shards/$(($# + 1))"; done
exec "$FAREWELL" merge "$@" --out "$out"
