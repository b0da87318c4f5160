#!/bin/sh
# Rebuilds bundle.js, the accessible-name computation of the locked npm package `dom-accessibility-api`,
# and puts the package's licence beside it. The result is committed; needs Node.js and npm.
set -eu
cd "$(dirname "$0")"
npm ci
echo 'export { computeAccessibleName } from "dom-accessibility-api";' |
  node_modules/.bin/esbuild --bundle --minify --target=chrome120 --charset=utf8 --format=iife \
    --global-name=accessibility --legal-comments=none \
    --banner:js='/* dom-accessibility-api, MIT, see bundle.LICENSE; made by build.sh */' --outfile=bundle.js
cp node_modules/dom-accessibility-api/LICENSE.md bundle.LICENSE
