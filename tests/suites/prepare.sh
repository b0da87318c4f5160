#!/usr/bin/env bash
# Makes the environment of the SCIM suites in target/suites, once for each state of requirements.txt. Needs Python with `venv`,
# and what pip is set up to install from.
set -euo pipefail
cd "$(dirname "$0")/../.."
list=tests/suites/requirements.txt
place=target/suites

cmp -s "$list" "$place/made-from.txt" && exit 0
echo "suites: making target/suites from $list"
rm -rf "$place"
python3 -m venv "$place"
if ! "$place/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$list"; then
  echo "suites: they cannot be installed here; the tests that need them say so and are skipped" >&2
  echo "pip could not install tests/suites/requirements.txt when it was tried last" > "$place/unavailable.txt"
  exit 0
fi
"$place/bin/pip" check --quiet --disable-pip-version-check
# Last, so that what was interrupted is made again.
cp "$list" "$place/made-from.txt"
