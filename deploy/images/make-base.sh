#!/bin/sh
# Makes a base for the Containerfile where no registry of images can be reached: Debian as debootstrap makes it, with Node as
# npm packs it for its package `node`, and npm. `make-base.sh FILE.tar`, as root; then `podman import FILE.tar NAME`. Release,
# architecture and mirror are those of this machine.
set -eu

file=${1:?which file to write, such as base.tar}
NODE_VERSION=24.21.0
NPM_VERSION=11.21.2

case $(dpkg --print-architecture) in
  amd64) arch=x64 ;;
  arm64) arch=arm64 ;;
  *)
    echo "make-base: npm packs no Node for $(dpkg --print-architecture)" >&2
    exit 2
    ;;
esac

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
targets=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
mirror=$(echo "$targets" | awk -v suite="$suite" '$2 == suite && $3 == "main" { print $1; exit }')
if [ -z "$mirror" ]; then
  echo "make-base: apt of this machine knows no Debian mirror for '$suite'" >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root

# It mounts things in there: in namespaces of its own, so that they go however it ends.
unshare --mount --pid --fork --kill-child \
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  exit 1
}
echo "$targets" | awk -v suite="$suite" 'index($2, suite) == 1 && $3 == "main" { print "deb", $1, $2, $3 }' >"$root/etc/apt/sources.list"

unpack() {
  npm pack --silent --pack-destination "$work" "$1" >"$work/packed"
  mkdir -p "$2"
  tar -xzf "$work/$(cat "$work/packed")" -C "$2" --strip-components=1 --no-same-owner
}
unpack "node-linux-$arch@$NODE_VERSION" "$root/usr/local"
unpack "npm@$NPM_VERSION" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
rm -rf "$root"/usr/local/*.md "$root/usr/local/package.json" "$root/usr/local/LICENSE" \
  "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*

tar -C "$root" -cf "$work/base.tar" .
mkdir -p "$(dirname "$file")"
cp "$work/base.tar" "$file.new"
mv "$file.new" "$file"
