#!/bin/sh
# Gathers what an image of one daemon adds to its base: `gather-files.sh DAEMON DIR`, in a tree where all is built. Its
# modules without those for development, those of our packages that it needs, and the list of all of them (CycloneDX).
set -eu

daemon=${1:?which daemon: seed-server, shoot-client or sni-gateway}
out=${2:?which folder to gather into}
source=$PWD
app=$out/app

case $daemon in
  seed-server | shoot-client | sni-gateway) ;;
  *)
    echo "gather-files: DAEMON is '$daemon', expected seed-server, shoot-client or sni-gateway" >&2
    exit 2
    ;;
esac

mkdir -p "$app" "$out/usr/share/sbom"
npm sbom --sbom-format=cyclonedx --sbom-type=application --omit=dev --package-lock-only \
  --workspace "packages/$daemon" > "$out/usr/share/sbom/$daemon.cdx.json"

# npm compares the lock file with the manifests of all workspaces.
tar -c package.json package-lock.json .npmrc ./*/package.json packages/*/package.json | tar -x -C "$app"
cd "$app"
npm ci --omit=dev --ignore-scripts --workspace "packages/$daemon"
needed=$(npm ls --omit=dev --all --parseable --workspace "packages/$daemon" | sed -n 's#.*/packages/\([^/]*\)$#\1#p; s#.*/node_modules/@reversed-vpn/\([^/]*\)$#\1#p' | sort -u)

for dir in packages/*; do
  name=${dir#packages/}
  if echo "$needed" | grep -qx "$name"; then
    cp -r "$source/$dir/dist" "$dir/dist"
    find "$dir/dist" \( -name '*.d.ts' -o -name '*.map' -o -name '.tsbuildinfo' \) -delete
    if [ -d "$source/$dir/bin" ]; then cp -r "$source/$dir/bin" "$dir/bin"; fi
    if [ -d "$source/$dir/build" ]; then
      install -D "$source/$dir/build/Release/tun.node" "$dir/build/Release/tun.node"
    fi
  else
    rm -rf "$dir" "node_modules/@reversed-vpn/$name"
  fi
done

rm -rf package-lock.json .npmrc bench test node_modules/.package-lock.json node_modules/@reversed-vpn/bench \
  node_modules/@reversed-vpn/test
find . \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -path '*/node_modules/*' -delete
find . -xtype l -delete
ln -s "packages/$daemon/bin/$daemon.js" daemon
cp "$source/deploy/images/healthcheck.mjs" .
chmod -R a+rX,go-w "$out"
