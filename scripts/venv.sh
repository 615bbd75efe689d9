# Sourced by the other scripts: puts the checkout's .venv, with what requirements/$1.lock lists, on the PATH.
# Needs Python 3.11 or newer and a package index; makes .venv if it is not there.

cd "$(dirname "$0")/.." || exit 1

# Compiled modules are kept, so that the many processes of the tests do not compile everything again.
unset PYTHONDONTWRITEBYTECODE

newest_python() {
  for python in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  echo "Countermark needs Python 3.11 or newer; set PYTHON to one." >&2
  return 1
}

# Installs exactly what requirements/$1.lock lists, each file checked by its hash, and then the project itself.
use_venv() {
  lock=requirements/$1.lock
  if [ ! -x .venv/bin/python ]; then
    python=$(newest_python) || exit 1
    echo "Making .venv with $("$python" --version)" >&2
    "$python" -m venv .venv || { rm -rf .venv; echo "venv is missing: install it (Debian: python3-venv)" >&2; exit 1; }
  fi
  stamp=".venv/.countermark-$1-$(cat pyproject.toml requirements/*.lock | cksum | tr ' ' '-')"
  if [ ! -e "$stamp" ]; then
    echo "Installing $lock into .venv" >&2
    install_locked "$lock" || exit 1
    # The CPU build where pip finds it (scripts/lock.py says how), else PyPI's.
    if [ "$1" != plain ] && ! install_locked requirements/torch-cpu.lock 2>/dev/null; then
      install_locked requirements/torch.lock || exit 1
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . || exit 1
    rm -f ".venv/.countermark-$1-"*
    touch "$stamp"
  fi
  PATH="$PWD/.venv/bin:$PATH"
  export PATH
}

install_locked() {
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$1"
}

# The tests of keys on devices sign with SoftHSM2; without it they are skipped.
softhsm_on_debian() {
  if command -v softhsm2-util >/dev/null; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
  echo "Installing SoftHSM2 for the tests" >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends softhsm2 openssl; } \
    >/dev/null 2>&1 || echo "SoftHSM2 could not be installed" >&2
}

# The tests start a PostgreSQL of their own and need its programs, no running server; without them they say what is not tested.
postgresql_on_debian() {
  if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
  echo "Installing PostgreSQL for the tests" >&2
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 \
    || echo "PostgreSQL could not be installed" >&2
}

# OpenAI's npm client runs in a test, from .venv/npm; without Node.js that test is skipped, and says so.
npm_client() {
  if ! command -v npm >/dev/null; then return; fi
  stamp=".venv/npm/.installed-$(cat tests/compat/npm/package-lock.json | cksum | tr ' ' '-')"
  if [ -e "$stamp" ]; then return; fi
  mkdir -p .venv/npm
  cp tests/compat/npm/package.json tests/compat/npm/package-lock.json .venv/npm/
  if npm ci --prefix .venv/npm --ignore-scripts --no-audit --no-fund >/dev/null 2>&1; then
    touch "$stamp"
  else
    echo "OpenAI's npm client could not be installed" >&2
  fi
}
