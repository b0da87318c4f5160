# For `start.sh` and `stop.sh` of every app: where its state is, what is installed, how its processes begin and end.
#
# start.sh PORT   installs what is missing, makes the app anew with a service account and 25 people, serves it on
#                 loopback and prints its address as the last line
# stop.sh         ends it
#
# $USHER_TEST_APPS (by default a folder in the user's cache) keeps the installed code from run to run; data never.
set -euo pipefail

app=$(basename "$here")
root=${USHER_TEST_APPS:-${XDG_CACHE_HOME:-$HOME/.cache}/usher-test-apps}/$app
code=$root/code
data=$root/data
mkdir -p "$root"

# The service account, and the people's password.
export SERVICE_NAME=usher-service SERVICE_EMAIL=usher-service@apps.example SERVICE_PASSWORD='Serve-the-Tests-9!'
export SERVICE_TOTP=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ PEOPLE_PASSWORD='Just-a-Person-9!'
export PEOPLE=$here/../people.tsv

tell() { echo "$app: $*" >&2; }

# Debian packages, installed only where they are missing.
debian() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || { tell "as root: apt-get install ${missing[*]}"; exit 1; }
  tell "installing ${#missing[@]} Debian packages"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >>"$root/install.log" 2>&1
}

# The files of Debian packages in a folder of our own: nothing is configured, no service starts.
unpack() {
  local into=$1 folder
  shift
  folder=$(mktemp -d)
  chmod 755 "$folder"
  (cd "$folder" && apt-get download -qq "$@" >>"$root/install.log" 2>&1 && for file in *.deb; do dpkg-deb -x "$file" "$into"; done)
  rm -r "$folder"
}

# serve NAME COMMAND…: in the background, the leader of its own process group.
serve() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$data/$name.log" 2>&1 &
  echo $! >"$root/$name.pid"
}

# Ends the process group of `serve NAME`.
end() {
  local file=$root/$1.pid leader
  [ -s "$file" ] || return 0
  leader=$(cat "$file")
  rm "$file"
  kill -TERM -- "-$leader" 2>/dev/null || return 0
  timeout 10 tail --pid="$leader" -f /dev/null || kill -KILL -- "-$leader" 2>/dev/null || true
}

# Waits until `ADDRESS` answers.
answers() {
  curl --silent --show-error --fail --location --output /dev/null --retry 120 --retry-delay 1 --retry-all-errors --max-time 5 "$1" 2>>"$root/install.log" \
    || { tell "no answer from $1; see $data"; exit 1; }
}
