#!/usr/bin/env bash
# record.sh APP…: makes fixtures/recordings/APP.tar.gz anew from real runs against the app, which it starts and ends. $USHER is the binary.
# Every run logs in for itself, so that each recording can be replayed alone.
set -euo pipefail
apps=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$apps/../.." && pwd)
usher=${USHER:-$root/target/debug/usher}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
port=${USHER_TEST_PORT:-18590}
url=http://127.0.0.1:$port
printf '%s' 'Serve-the-Tests-9!' >"$work/password"
printf '%s' 'not-the-password' >"$work/wrong"
printf '%s' GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ >"$work/totp"

# record EXIT NAME FLOW [--set …]: as $connector, $entry and $code say.
record() {
  local expected=$1 name=$2 flow=$3 code=0
  shift 3
  "$usher" run "$connector" "$flow" "${entry[@]}" "$@" --record "$work/$app/$name" >"$work/said" 2>&1 || code=$?
  [ "$code" = "$expected" ] || { echo "$app: $name exited with $code:"; cat "$work/said"; exit 1; } >&2
  echo "$app: $name"
}

# edited FILE FROM TO: a copy of the connector in which FROM stands no more.
edited() {
  rm -rf "$work/edited" && cp -r "$root/connectors/$app" "$work/edited"
  grep -q -- "$2" "$work/edited/flows/$1"
  sed -i "s#$2#$3#" "$work/edited/flows/$1"
  connector=$work/edited
}

# A login that does not log in: what comes then meets a session that has ended.
logged_out() {
  rm -rf "$work/edited" && cp -r "$root/connectors/$app" "$work/edited"
  { grep -E '^(at|logged_in):' "$work/edited/flows/login.yaml"; printf 'steps:\n  - goto: %s\n' "$1"; } >"$work/login"
  mv "$work/login" "$work/edited/flows/login.yaml"
  connector=$work/edited
}

entry() { entry=(--set "base_url=$url" --credential "username=$1" --credential "password=@$work/${2:-password}"); }
plainly() { connector=$root/connectors/$app; }

acme_desk() {
  printf '%s' acme-password >"$work/password"
  "$usher" demo-app --listen "127.0.0.1:$port" "$@" >"$work/demo" 2>&1 &
  served=$!
  curl --silent --show-error --fail --location --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "$url/login"
}

record_acme-desk() {
  entry() { entry=(--set "base_url=$url" --set org_id=acme --credential username=owner@acme.example --credential "password=@$work/${1:-password}"); }
  local ann=(--set account.email=ann.archer@example.org --set "account.name=Ann Archer") group
  printf '%s' JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP >"$work/totp"
  acme_desk --totp --whats-new
  entry && entry+=(--credential "totp=@$work/totp") && plainly
  record 0 login_with_code login
  kill "$served" && wait "$served" || true
  acme_desk
  entry && plainly
  record 0 list_accounts list_accounts
  record 0 list_groups list_groups
  record 0 list_teams list_teams
  record 0 invite invite "${ann[@]}" --set role=agent
  record 1 invite_again invite "${ann[@]}" --set role=agent
  record 0 cancel_invite cancel_invite "${ann[@]}"
  ann=(--set account.email=amara.berg@acme.example)
  record 0 read_account read_account "${ann[@]}"
  record 0 read_absent read_account --set account.email=nobody@example.org
  record 0 change_role change_role "${ann[@]}" --set role=viewer
  record 0 update update "${ann[@]}" --set "account.name=Amara Berg" --set "wanted.name=Amara Baker"
  record 0 grant_team grant_team "${ann[@]}" --set team=Support
  record 0 revoke_team revoke_team "${ann[@]}" --set team=Support
  record 0 create_group create_group --set "group.name=Night shift"
  group=$("$usher" run "$connector" list_groups "${entry[@]}" --format json 2>/dev/null |
    python3 -c 'import json,sys; print(next(row["id"] for row in json.load(sys.stdin)["rows"] if row["name"] == "Night shift"))')
  group=(--set "group.id=$group" --set "group.name=Night shift")
  record 0 add_member add_member "${ann[@]}" "${group[@]}"
  record 0 remove_member remove_member "${ann[@]}" "${group[@]}"
  record 0 rename_group rename_group "${group[@]}" --set "wanted.name=Day shift"
  record 0 remove_group remove_group "${group[@]::2}" --set "group.name=Day shift"
  record 0 deactivate deactivate "${ann[@]}"
  record 0 reactivate reactivate "${ann[@]}"
  record 0 remove remove "${ann[@]}"
  record 1 remove_absent remove "${ann[@]}"
  edited change_role.yaml 'button "Save"' 'button "Store"'
  record 1 drift change_role --set account.email=owner@acme.example --set role=viewer
  logged_out /login
  record 1 session_ended list_accounts
  plainly
  entry wrong
  record 1 wrong_password login
  kill "$served" && wait "$served" || true
}

record_redmine() {
  "$apps/redmine/start.sh" "$port" >/dev/null
  entry usher-service && entry+=(--credential "totp=@$work/totp") && plainly
  record 0 login_with_code login
  sqlite3_or_python "$(data redmine)/redmine.sqlite" "update users set twofa_scheme = null, twofa_totp_key = null"
  entry usher-service
  local ann=(--set account.login=ann.archer --set account.firstname=Ann --set account.lastname=Archer --set account.email=ann.archer@example.org)
  record 0 list_accounts list_accounts
  record 0 list_groups list_groups
  record 0 read_account read_account --set account.login=ada.abbot
  record 0 read_absent read_account --set account.login=ann.archer
  record 0 invite invite "${ann[@]}" --set role=user
  record 1 invite_again invite "${ann[@]}" --set role=user
  local id=$("$usher" run "$connector" read_account "${entry[@]}" --set account.login=ann.archer --format json 2>/dev/null |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["values"]["id"])')
  ann+=(--set "account.id=$id")
  record 0 change_role change_role "${ann[@]}" --set role=admin
  record 0 update update "${ann[@]}" --set wanted.lastname=Baker
  record 0 grant_group grant_group "${ann[@]}" --set group=Office
  record 0 revoke_group revoke_group "${ann[@]}" --set group=Office
  record 0 deactivate deactivate "${ann[@]}"
  record 0 reactivate reactivate "${ann[@]}"
  record 0 remove remove "${ann[@]}"
  record 1 remove_absent remove "${ann[@]}"
  edited change_role.yaml 'button "Save"' 'button "Store"'
  record 1 drift change_role --set account.login=ada.abbot --set account.id=5 --set role=admin
  logged_out /login
  record 1 session_ended list_accounts
  plainly
  entry usher-service wrong
  record 1 wrong_password login
  "$apps/redmine/stop.sh"
}

record_wordpress() {
  "$apps/wordpress/start.sh" "$port" >/dev/null
  plain_entry() { entry usher-service "$@" && entry+=(--set "heir=usher-service (usher-service)"); }
  plain_entry && plainly
  local ann=(--set account.email=ann.archer@example.org --set account.first_name=Ann --set account.last_name=Archer)
  record 0 login login
  record 0 list_accounts list_accounts
  record 0 read_account read_account --set account.email=ada.abbot@apps.example
  record 0 read_absent read_account --set account.email=ann.archer@example.org
  record 0 invite invite "${ann[@]}" --set role=author
  record 1 invite_again invite "${ann[@]}" --set role=author
  local id=$("$usher" run "$connector" read_account "${entry[@]}" --set account.email=ann.archer@example.org --format json 2>/dev/null |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["values"]["id"])')
  ann+=(--set "account.id=$id" --set account.username=ann.archer@example.org)
  record 0 change_role change_role "${ann[@]}" --set role=editor
  record 0 update update "${ann[@]}" --set wanted.last_name=Baker
  record 0 deactivate deactivate "${ann[@]}"
  record 0 reactivate reactivate "${ann[@]}" --set role=author
  record 0 remove remove "${ann[@]}"
  record 1 remove_absent remove "${ann[@]}"
  edited change_role.yaml 'button "Update User"' 'button "Store User"'
  record 1 drift change_role --set account.email=ada.abbot@apps.example --set account.id=2 --set account.username=ada.abbot --set role=editor
  logged_out /wp-login.php
  record 1 session_ended list_accounts
  plainly
  plain_entry wrong
  record 1 wrong_password login
  "$apps/wordpress/stop.sh"
}

record_homebridge() {
  "$apps/homebridge/start.sh" "$port" >/dev/null
  entry usher-service && entry+=(--credential "totp=@$work/totp") && plainly
  record 0 login_with_code login
  "$apps/homebridge/stop.sh"
  SERVICE_OTP=off "$apps/homebridge/start.sh" "$port" >/dev/null
  entry usher-service
  local ann=(--set account.username=ann.archer --set "account.name=Ann Archer")
  record 0 list_accounts list_accounts
  record 0 read_account read_account --set account.username=ada.abbot
  record 0 read_absent read_account --set account.username=ann.archer
  record 0 invite invite "${ann[@]}" --set role=user
  record 1 invite_again invite "${ann[@]}" --set role=user
  record 0 change_role change_role "${ann[@]}" --set role=admin
  record 0 update update "${ann[@]}" --set "wanted.name=Ann Baker"
  record 0 remove remove "${ann[@]}"
  record 1 remove_absent remove "${ann[@]}"
  edited change_role.yaml 'button "Save"' 'button "Store"'
  record 1 drift change_role --set account.username=ada.abbot --set role=user
  logged_out /login
  record 1 session_ended list_accounts
  plainly
  entry usher-service wrong
  record 1 wrong_password login
  "$apps/homebridge/stop.sh"
}

data() { echo "${USHER_TEST_APPS:-${XDG_CACHE_HOME:-$HOME/.cache}/usher-test-apps}/$1/data"; }
sqlite3_or_python() { python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); db.execute(sys.argv[2]); db.commit()' "$@"; }

for app in "$@"; do
  "record_$app"
  if [ -n "${USHER_KEEP:-}" ]; then cp -r "$work/$app" "$USHER_KEEP/"; continue; fi
  mkdir -p "$root/fixtures/recordings" && rm -f "$root/fixtures/recordings/$app.tar.gz"
  "$usher" replay "$work/$app"/* --pack "$root/fixtures/recordings/$app.tar.gz"
done
