#!/usr/bin/env bash
# Homebridge's administration (homebridge-config-ui-x): an Angular page over people kept in auth.json. TOTP is on.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
port=$1
"$here/stop.sh"
command -v npm >/dev/null 2>&1 || debian nodejs npm

if [ ! -f "$code/installed" ]; then
  tell "installing with npm"
  rm -rf "$code" && mkdir -p "$code"
  npm --prefix "$code" install --no-audit --no-fund --loglevel=error homebridge@1.11.4 homebridge-config-ui-x@5.9.0 >>"$root/install.log" 2>&1
  touch "$code/installed"
fi

rm -rf "$data" && mkdir -p "$data"
node "$here/seed.js" "$data" "$port" "$code/node_modules/homebridge"
export UIX_STORAGE_PATH=$data UIX_INSECURE_MODE=1
cd "$data"
serve web node "$code/node_modules/homebridge-config-ui-x/dist/bin/standalone.js" -U "$data" -I
answers "http://127.0.0.1:$port/api/auth/settings"
echo "http://127.0.0.1:$port"
