#!/bin/sh
# One shard of a study, as a task of a job array: submitted by scripts/slurm/study.
#SBATCH --job-name=farewell
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
# A minute before the time limit the shard is asked to end; it keeps its finished cells.
#SBATCH --signal=B:TERM@60
set -eu
out=$1 shards=$2
shift 2
exec "$FAREWELL" compare "$@" --shard "$SLURM_ARRAY_TASK_ID/$shards" --jobs "$SLURM_CPUS_PER_TASK" \
    --resume --out "$out.shards/$SLURM_ARRAY_TASK_ID"
