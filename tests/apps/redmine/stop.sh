#!/usr/bin/env bash
# Ends the app that start.sh started.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
end web
