#!/bin/sh
# Makes the virtual environment named by $1, or says plainly what is missing.
# PYTHON names the interpreter to use; if that one is too old, a newer one on PATH is taken.
set -eu
venv=$1

say() { printf '%s\n' "$*" >&2; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

python=
for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if fits "$name"; then python=$name; break; fi
done
if [ -z "$python" ]; then
    say "Xtream Gateway needs Python 3.11, 3.12 or 3.13."
    say "Found: $({ "${PYTHON:-python3}" --version; } 2>/dev/null || echo "no ${PYTHON:-python3}")."
    say "Install one, or name it: make PYTHON=/path/to/python3.12 ..."
    exit 1
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
say "Making $venv with Python $version ..."

make_it() { rm -rf "$venv" && "$python" -m venv "$venv" >/dev/null 2>&1; }

# Some systems ship Python without venv or ensurepip: take the system's package when we may.
if make_it; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "Python's venv module is not complete here; installing the system's package for it ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || true
    apt-get install -y -qq --no-install-recommends "python$version-venv" >/dev/null 2>&1 ||
        apt-get install -y -qq --no-install-recommends python3-venv >/dev/null 2>&1 || true
    if make_it; then exit 0; fi
fi
rm -rf "$venv"
say "Cannot make a virtual environment: Python $version lacks venv or ensurepip."
say "On Debian and Ubuntu, as root: apt-get install python$version-venv"
exit 1
