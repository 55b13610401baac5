#!/bin/sh
# Runs layers from JavaScript on the device, with the node that lies here: sh run.sh [SECONDS]
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if command -v xz >/dev/null; then
  xz -dc "$here/node.xz" >"$work/node"
else
  python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$here/node.xz" "$work/node"
fi || exit 1
chmod +x "$work/node"
timeout "${1:-60}" "$work/node" "$here/dist-bench/gpu/layers.js"
