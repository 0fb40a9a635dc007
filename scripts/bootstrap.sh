# Sourced by spark-submit.sh and scripts/run; bash 3.2 or newer. Sets this checkout up, and costs nothing
# once that is done:
#
#   set_up_python all|runtime   a virtual environment in .venv, with or without Spark and test tools
#   set_up_java                 find a Java that this Spark runs on; install nothing
#   set_up_jars                 resolve Delta and S3A once, into .cache/jars
#
# Each step is stamped when it is complete, so an interrupted step starts again. `root` must be the
# checkout. The steps set `python` and export PATH, VIRTUAL_ENV, SPARK_HOME and JAVA_HOME.
# shellcheck shell=bash
: "${root:?}"

# Java writes the name of a file in the encoding of the locale, and each event name is a folder.
case $(locale charmap 2>/dev/null || true) in
  UTF-8) ;;
  *) export LC_ALL=C.UTF-8 ;;
esac

say() { printf 'event-lake: %s\n' "$*" >&2; }

# Exit code 3 is that of SetupError in jobs/errors.py.
setup_error() {
  say "$1"
  shift
  for _line in "$@"; do printf '  %s\n' "$_line" >&2; done
  exit 3
}

# pin NAME: a value of jobs/versions.py, one word for each part.
pin() {
  "$python" -I -c '
import runpy, sys
value = runpy.run_path(sys.argv[1])[sys.argv[2]]
print(*value if isinstance(value, tuple) else [value])' "$root/jobs/versions.py" "$1"
}

# Wait for other set-ups of this checkout. The lock is released when file 9 is closed or the shell ends.
lock_set_up() {
  mkdir -p "$root/.cache/setup"
  exec 9>"$root/.cache/setup/lock"
  "$1" -I -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("event-lake: waiting for another set-up of this checkout", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)'
}

unlock_set_up() { exec 9>&-; }

is_stamped() { [ -f "$root/.cache/setup/$1" ] && [ "$(cat "$root/.cache/setup/$1")" = "$2" ]; }

stamp() { printf '%s\n' "$2" >"$root/.cache/setup/$1.new" && mv "$root/.cache/setup/$1.new" "$root/.cache/setup/$1"; }

# --- Python ---------------------------------------------------------------------------------------

python_version() { "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Not the Python of an active virtual environment: that may be the .venv that is replaced.
base_executable() { "$1" -I -c 'import sys; print(sys._base_executable)'; }

# Print the Python to create the virtual environment with. Spark 4.1 is tested up to Python 3.13, so a
# newer one is the last choice.
find_python() {
  local candidate version newer='' found=''
  for candidate in ${EVENT_LAKE_PYTHON:+"$EVENT_LAKE_PYTHON"} python3 python3.13 python3.12 python3.11 python; do
    version=$(python_version "$candidate") || continue
    case $version in
      3.11 | 3.12 | 3.13)
        base_executable "$candidate"
        return
        ;;
      3.[0-9] | 3.10 | 2.*) found="$found $candidate is $version;" ;;
      *) newer=${newer:-$candidate} ;;
    esac
  done
  if [ -n "$newer" ]; then
    base_executable "$newer"
    return
  fi
  setup_error "Python 3.11 or newer is needed;${found:- there is none on PATH;} install one:" \
    "Debian, Ubuntu   sudo apt-get install python3 python3-venv" \
    "Fedora, RHEL     sudo dnf install python3.11" \
    "macOS            brew install python@3.12" \
    "or name one: EVENT_LAKE_PYTHON=/path/to/python3 $0 ..."
}

# The inputs of .venv: it is created again when one of them changes, or when the folder is moved.
python_key() { printf '%s %s' "$(cat "$root/setup.py" "$root/jobs/versions.py" | cksum)" "$root"; }

python_is_ready() { [ -x "$python" ] && is_stamped python "$1 $(python_key)"; }

set_up_python() {
  local extras=$1 base target log="$root/.cache/setup/pip.log"
  python="$root/.venv/bin/python"
  if python_is_ready all || python_is_ready "$extras"; then
    use_python
    return
  fi

  base=$(find_python)
  lock_set_up "$base"
  if ! python_is_ready "$extras"; then
    rm -f "$root/.cache/setup/python"
    say "creating a virtual environment in .venv with Python $(python_version "$base") (first time only)"
    if ! "$base" -m venv --clear "$root/.venv" >"$log" 2>&1; then
      setup_error "Python's module venv does not work here; its output is in $log. Install it:" \
        "Debian, Ubuntu   sudo apt-get install python3-venv"
    fi
    say "installing the Python packages into .venv (first time only, some minutes)"
    case $extras in all) target="${root}[all]" ;; *) target=$root ;; esac
    if ! "$python" -m pip install --disable-pip-version-check --editable "$target" >"$log" 2>&1; then
      tail -n 15 "$log" >&2
      setup_error "pip could not install the packages; its whole output is in $log" \
        "The first set-up needs the package index. Run the same command again to continue."
    fi
    stamp python "$extras $(python_key)"
  fi
  unlock_set_up
  use_python
}

# `spark-submit` starts `python3` to find its own home: it must find the one of .venv first.
use_python() {
  export VIRTUAL_ENV="$root/.venv" PATH="$root/.venv/bin:$PATH"
  unset PYTHONHOME
}

# Spark on this machine: the one in .venv, whatever the environment names, with the defaults in
# conf/spark. Nothing looks up the name of this machine in the network.
use_local_spark() {
  SPARK_HOME=$("$python" -P -c '
from importlib.util import find_spec
print(find_spec("pyspark").submodule_search_locations[0])')
  export SPARK_HOME SPARK_CONF_DIR="${SPARK_CONF_DIR:-$root/conf/spark}"
  export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}" SPARK_LOCAL_HOSTNAME="${SPARK_LOCAL_HOSTNAME:-localhost}"
  export PYSPARK_DRIVER_PYTHON="$python" PYSPARK_PYTHON="${PYSPARK_PYTHON:-$python}"
  export EVENT_LAKE_JARS_DIR="$root/.cache/jars"
}

# --- Java -----------------------------------------------------------------------------------------

# java_version JAVA: its feature version, such as 17 or 8; empty when it does not run.
java_version() {
  "$1" -version 2>&1 </dev/null | sed -n -e 's/^.*version "1\.\([0-9]*\)\..*/\1/p' -e 's/^.*version "\([0-9]*\).*/\1/p' | head -n 1
}

# java_candidates VERSIONS: every java to try, the user's own choice first.
java_candidates() {
  [ -n "${JAVA_HOME:-}" ] && printf '%s\n' "$JAVA_HOME/bin/java"
  command -v java || true
  local home version
  if [ -x /usr/libexec/java_home ]; then
    for version in $1; do
      home=$(/usr/libexec/java_home -F -v "$version" 2>/dev/null) && printf '%s\n' "$home/bin/java"
    done
  fi
  for home in "${EVENT_LAKE_JAVA_DIR:-/usr/lib/jvm}"/* /opt/homebrew/opt/openjdk@* /usr/local/opt/openjdk@*; do
    if [ -x "$home/bin/java" ]; then printf '%s\n' "$home/bin/java"; fi
  done
}

# Set JAVA_HOME to the first Java of a supported version that has the module that Spark's launcher
# requires (reduced Java runtimes lack it).
set_up_java() {
  local wanted java version settings found='' newline=$'\n'
  wanted=$(pin JAVA)
  while IFS= read -r java; do
    [ -n "$java" ] || continue
    version=$(java_version "$java")
    case " $wanted " in
      *" ${version:-none} "*)
        if settings=$("$java" --add-modules jdk.incubator.vector -XshowSettings:properties -version 2>&1 </dev/null); then
          [ -z "$found" ] || [ -z "${JAVA_HOME:-}" ] || say "JAVA_HOME has no Java that Spark supports; using Java $version: $java"
          JAVA_HOME=$(printf '%s\n' "$settings" | sed -n 's/^ *java\.home = //p')
          export JAVA_HOME
          return
        fi
        found="$found$newline  $java is Java $version, but lacks the module jdk.incubator.vector"
        ;;
      *) found="$found$newline  $java is ${version:+Java }${version:-not a Java that runs}" ;;
    esac
  done <<EOF
$(java_candidates "$wanted")
EOF
  setup_error "Java ${wanted// / or } is needed, found: ${found:-none}" \
    "Install it, then run the same command again:" \
    "  Debian, Ubuntu   sudo apt-get install openjdk-17-jre-headless" \
    "  Fedora, RHEL     sudo dnf install java-17-openjdk-headless" \
    "  Amazon Linux     sudo dnf install java-17-amazon-corretto-headless" \
    "  macOS            brew install openjdk@17" \
    "or name one that is installed: export JAVA_HOME=/path/to/java-17"
}

# --- JARs -----------------------------------------------------------------------------------------

jars_key() { cat "$root/jobs/versions.py" "$root/conf/spark/ivysettings.xml" | cksum; }

jars_are_ready() { [ -d "$root/.cache/jars" ] && is_stamped jars "$(jars_key)"; }

# Spark's resolver fetches them, with a home and settings of its own: by default it looks into ~/.m2
# first, and fails on artifacts that are there as a POM without a JAR.
set_up_jars() {
  local packages excludes log="$root/.cache/setup/ivy.log" ivy="$root/.cache/ivy"
  jars_are_ready && return
  lock_set_up "$python"
  if ! jars_are_ready; then
    rm -rf "$root/.cache/setup/jars" "$root/.cache/jars" "$ivy/jars"
    say "resolving the JARs of Delta and S3A into .cache/jars (first time only)"
    packages=$(pin JAR_PACKAGES)
    excludes=$(pin JAR_EXCLUDES)
    printf '' >"$root/.cache/setup/nothing.py"
    # The settings are a relative path: Spark reads them as a URI, which may not contain a space.
    if ! (cd "$root" && "$SPARK_HOME/bin/spark-submit" --master 'local[1]' \
      --conf "spark.jars.ivy=$ivy" --conf spark.jars.ivySettings=conf/spark/ivysettings.xml \
      --packages "${packages// /,}" --exclude-packages "${excludes// /,}" \
      .cache/setup/nothing.py) >"$log" 2>&1 </dev/null; then
      grep -iE 'unresolved|not found|error' "$log" | head -n 15 >&2
      setup_error "the JARs could not be resolved; the whole output is in $log" \
        "The first set-up needs the Maven repository. Run the same command again to continue."
    fi
    mv "$ivy/jars" "$root/.cache/jars"
    stamp jars "$(jars_key)"
  fi
  unlock_set_up
}
