#!/usr/bin/env bash
# Runs a command of event-lake on Spark. `./spark-submit.sh --help` explains how.
set -eu

self=${BASH_SOURCE[0]}
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=$(dirname "$self")/$link ;; esac
done
root=$(cd "$(dirname "$self")" && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$root/scripts/bootstrap.sh"

usage() {
  cat <<'EOF'
Usage: ./spark-submit.sh [SPARK OPTION]... COMMAND [OPTION]...

Options before COMMAND go to spark-submit; options after it go to the command.
  ./spark-submit.sh demo
  ./spark-submit.sh --driver-memory 6g stream --config conf/local.toml --once
  ./spark-submit.sh --deploy-mode cluster --num-executors 4 stream --config conf/prod.toml
  ./spark-submit.sh COMMAND --help

On this machine (--master local[*], the default, or local-cluster) the first run creates .venv and
resolves the JARs into .cache. Later runs need no network. The default driver memory is 2600m.

On a cluster (--deploy-mode cluster implies --master yarn) the cluster's own Spark is used, from
SPARK_HOME or PATH. Our code and all its Python packages are shipped; the cluster's Python needs
nothing but the standard library. The JARs are those of the cluster: add others with --jars. If the
driver runs on the cluster, the files that --config names are shipped.

Environment:
  JAVA_HOME                   the Java to run on this machine (17 or 21)
  EVENT_LAKE_PYTHON           the Python to create .venv with (3.11 or newer)
  EVENT_LAKE_NO_SETUP         1: create no .venv; use PYSPARK_DRIVER_PYTHON or python3 as it is
  EVENT_LAKE_CLUSTER_PYTHON   the cluster's Python, such as 3.11, if it is not that of .venv
  EVENT_LAKE_CLUSTER_MACHINE  the cluster's processors, x86_64 or aarch64, if not those of this machine
  SPARK_CONF_DIR              Spark's defaults, in place of conf/spark

EOF
}

# Help needs neither Spark nor a set-up: until a command runs, only the standard library is imported.
command_help() {
  python="$root/.venv/bin/python"
  if [ "${EVENT_LAKE_NO_SETUP:-}" = 1 ]; then
    python=${PYSPARK_DRIVER_PYTHON:-${PYSPARK_PYTHON:-python3}}
  elif [ ! -x "$python" ]; then
    python=$(find_python)
  fi
  PYTHONPATH=$root "$python" -P -m jobs "$@"
}

# --- Arguments ------------------------------------------------------------------------------------

master='' deploy_mode='' executor_python='' properties='' name=''
jars='' py_files='' archives='' files='' class_path=''
options=()

# spark_option NAME VALUE: keep it for Spark, or in a variable if more is added to it below.
spark_option() {
  case $1 in
    --master) master=$2 ;;
    --deploy-mode) deploy_mode=$2 ;;
    --jars) jars=$2 ;;
    --py-files) py_files=$2 ;;
    --archives) archives=$2 ;;
    --files) files=$2 ;;
    --driver-class-path) class_path=$2 ;;
    --name) name=$2 ;;
    --properties-file) properties=$2 options+=("$1" "$2") ;;
    --conf | -c)
      case $2 in
        spark.master=*) master=${2#*=} ;;
        spark.submit.deployMode=*) deploy_mode=${2#*=} ;;
        spark.app.name=*) name=${2#*=} ;;
        # In client mode PySpark reads this only from the environment.
        spark.pyspark.python=*) executor_python=${2#*=} options+=(--conf "$2") ;;
        *) options+=(--conf "$2") ;;
      esac
      ;;
    *) options+=("$1" "$2") ;;
  esac
}

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      command_help --help
      exit
      ;;
    -v | --verbose | --supervise | --version) options+=("$1") && shift ;;
    --*=*) spark_option "${1%%=*}" "${1#*=}" && shift ;;
    -*)
      [ $# -gt 1 ] || { say "$1 needs a value" && exit 2; }
      spark_option "$1" "$2" && shift 2
      ;;
    *) break ;;
  esac
done
if [ $# -eq 0 ]; then
  usage >&2
  exit 2
fi
for argument in "$@"; do
  case ${argument%%=*} in
    -h | --help) command_help "$@" && exit ;;
    --master | --deploy-mode | --conf | --driver-memory | --executor-memory | --executor-cores | --num-executors | --jars | --packages | --properties-file)
      say "$argument is an option of Spark. Put it before the command: ./spark-submit.sh $argument ... $1"
      exit 2
      ;;
  esac
done

# from_properties KEY: its value in the file of --properties-file, if there is one
from_properties() {
  [ -z "$properties" ] || sed -n "s/^ *$1[ =:]\{1,\}//p" "$properties" | tail -n 1
}

deploy_mode=${deploy_mode:-$(from_properties 'spark\.submit\.deployMode')}
deploy_mode=${deploy_mode:-client}
master=${master:-$(from_properties 'spark\.master')}
executor_python=${executor_python:-$(from_properties 'spark\.pyspark\.python')}
name=${name:-$(from_properties 'spark\.app\.name')}
if [ -z "$master" ]; then
  case $deploy_mode in cluster) master=yarn ;; *) master='local[*]' ;; esac
fi
case $master in local*) on_this_machine=true ;; *) on_this_machine=false ;; esac

# --- Set-up ---------------------------------------------------------------------------------------

# Print the home of the cluster's Spark, which the programs on PATH belong to. This comes before .venv
# is on PATH: it can have a spark-submit too, without the configuration of a cluster.
find_cluster_spark() {
  local submit home
  submit=$(command -v spark-submit) || submit=''
  for home in "${SPARK_HOME:-}" ${submit:+"$(cd "$(dirname "$submit")/.." && pwd -P)"} /usr/lib/spark; do
    if [ -x "$home/bin/spark-submit" ] && [ -d "$home/python/pyspark" ]; then
      printf '%s' "$home"
      return
    fi
  done
  setup_error "this machine has no Spark for --master $master${SPARK_HOME:+: $SPARK_HOME is not one}" \
    "Run this on a machine of the cluster, or set SPARK_HOME to a Spark that is set up for it."
}

if ! $on_this_machine; then
  SPARK_HOME=$(find_cluster_spark)
  export SPARK_HOME
fi
if [ "${EVENT_LAKE_NO_SETUP:-}" = 1 ]; then
  python=${PYSPARK_DRIVER_PYTHON:-${PYSPARK_PYTHON:-python3}}
elif $on_this_machine; then
  set_up_python all
  set_up_java
  use_local_spark
  set_up_jars
else
  set_up_python runtime
fi
[ -z "$executor_python" ] || export PYSPARK_PYTHON="$executor_python"

# --- Shipped files --------------------------------------------------------------------------------

# joined SEPARATOR WORD...: the words that are not empty, joined
joined() {
  local separator=$1 all='' word
  shift
  for word in "$@"; do [ -z "$word" ] || all="$all${all:+$separator}$word"; done
  printf '%s' "$all"
}

python_path=$root
jars_dir=${EVENT_LAKE_JARS_DIR:-$root/.cache/jars}
case $master in
  local | local\[*)
    # One process is driver and executor: nothing is shipped, and the class path saves a copy of each JAR.
    class_path=$(joined : "$class_path" "$jars_dir/*")
    ;;
  *)
    # Executors on this machine have this Python, or one of the same version. In client mode too, Spark
    # requires that the driver and the executors have the same.
    built_for=()
    if ! $on_this_machine; then
      machine=${EVENT_LAKE_CLUSTER_MACHINE:-$(uname -m)}
      case $machine in arm64) machine=aarch64 ;; amd64) machine=x86_64 ;; esac
      built_for=("${EVENT_LAKE_CLUSTER_PYTHON:-$(python_version "$python")}" "$machine")
    fi
    "$python" -P "$root/jobs/deploy/archives.py" "$root" "$root/.cache" ${built_for[@]+"${built_for[@]}"}
    py_files=$(joined , "$root/.cache/event-lake.zip" "$py_files")
    # A URI: Spark takes a path with a space and a name after # as one file name.
    cache_uri=$("$python" -I -c 'import pathlib, sys; print(pathlib.Path(sys.argv[1]).as_uri())' "$root/.cache")
    archives=$(joined , "$cache_uri/event-lake-packages.zip#event_lake_packages" "$archives")
    options+=(--conf spark.executorEnv.LC_ALL=C.UTF-8)
    options+=(--conf spark.executorEnv.PYTHONPATH=event_lake_packages)
    python_path=$(joined : "$python_path" "$root/.cache/event_lake_packages")
    if $on_this_machine; then
      jars=$(joined , "$jars" "$(printf '%s\n' "$jars_dir"/*.jar | paste -s -d , -)")
    fi
    ;;
esac

arguments=()
$on_this_machine || name=${name:-event-lake $1}
[ -z "$name" ] || options+=(--name "$name")
if [ "$deploy_mode" = cluster ]; then
  options+=(--conf spark.yarn.appMasterEnv.LC_ALL=C.UTF-8)
  options+=(--conf spark.yarn.appMasterEnv.PYTHONPATH=event_lake_packages)
  # A stream that loses its driver is started again by YARN, as often as failures are an hour apart. A
  # command that comes to an end by itself has somebody who reads its exit code.
  attempts=spark.yarn.maxAppAttempts=1
  case "$*" in
    *--once* | *--available-now*) ;;
    stream* | ingest* | process*) attempts=spark.yarn.am.attemptFailuresValidityInterval=1h ;;
  esac
  # Of two equal options the later one counts, which is the user's own.
  [ -n "$(from_properties "${attempts%%=*}")" ] || options=(--conf "$attempts" ${options[@]+"${options[@]}"})
  # The driver finds a shipped file in its working directory, by its base name.
  shipped_config() {
    [ -f "$1" ] || { say "--config: there is no file $1" && exit 2; }
    files=$(joined , "$files" "$1")
    arguments+=(--config "$(basename "$1")")
  }
  while [ $# -gt 0 ]; do
    case $1 in
      --config) shipped_config "${2:-}" && shift ;;
      --config=*) shipped_config "${1#*=}" ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
else
  arguments=("$@")
fi

options=(--master "$master" --deploy-mode "$deploy_mode" ${options[@]+"${options[@]}"})
[ -z "$jars" ] || options+=(--jars "$jars")
[ -z "$py_files" ] || options+=(--py-files "$py_files")
[ -z "$archives" ] || options+=(--archives "$archives")
[ -z "$files" ] || options+=(--files "$files")
[ -z "$class_path" ] || options+=(--driver-class-path "$class_path")

# --- Run ------------------------------------------------------------------------------------------

if [ "$deploy_mode" = cluster ]; then
  exec "$SPARK_HOME/bin/spark-submit" "${options[@]}" "$root/jobs/__main__.py" "${arguments[@]}"
fi

# Client mode starts Python first, and PySpark starts spark-submit with these options. The other way
# round the JVM would be the parent process: it would receive SIGTERM and Ctrl-C, and end in the middle
# of a batch. This way they reach the program, which ends at a batch boundary.
quoted=''
for option in "${options[@]}"; do
  case $option in
    *[!A-Za-z0-9_@%+=:,./*\[\]\#-]* | '') option="'$(printf '%s' "$option" | sed "s/'/'\\\\''/g")'" ;;
  esac
  quoted="$quoted$option "
done
export PYSPARK_SUBMIT_ARGS="${quoted}pyspark-shell"
if ! $on_this_machine; then
  python_path=$(joined : "$python_path" "$SPARK_HOME/python" "$SPARK_HOME"/python/lib/py4j-*.zip)
fi
PYTHONPATH=$(joined : "$python_path" "${PYTHONPATH:-}")
export PYTHONPATH
# With -P no file of the working directory can replace a module.
exec "$python" -P -m jobs "${arguments[@]}"
