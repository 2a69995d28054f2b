#!/bin/sh
# Makes a base for the Containerfile where no registry of images can be reached: Debian as debootstrap makes it, with Node as
# npm packs it for its package `node`, and npm. `make-base.sh FILE.tar [amd64|arm64]`, as root; then `podman import --arch ARCH
# FILE.tar NAME`. Release and mirror are those of this machine, and the processor is where none is named. Another one has to be
# emulated: programs of the base run while it is made.
set -eu

file=${1:?which file to write, such as base.tar}
here=$(dpkg --print-architecture)
arch=${2:-$here}
NODE_VERSION=24.21.0
NPM_VERSION=11.21.2

# Of a processor: its name in Node's packages, and its number in the header of a program (e_machine).
case $arch in
  amd64) node_arch=x64 machine=3e00 ;;
  arm64) node_arch=arm64 machine=b700 ;;
  *)
    echo "make-base: npm packs no Node for $arch" >&2
    exit 2
    ;;
esac

# Entries of binfmt_misc that start programs for it. Flag F: the emulator is open already, and needs to be in no chroot.
emulators() {
  unshare --mount sh -c 'mount -t binfmt_misc none "$0" && cd "$0" && grep -lx "magic 7f454c46.*$1" * |
    xargs -r grep -lx "flags:.*F.*" | xargs -r grep -lx enabled' /proc/sys/fs/binfmt_misc "$machine" 2>/dev/null
}
if [ "$arch" != "$here" ] && [ -z "$(emulators)" ]; then
  echo "make-base: binfmt_misc has no emulator for $arch that works in a chroot (flag F; Debian package qemu-user-static)" >&2
  exit 2
fi

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
  debootstrap --arch="$arch" --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  exit 1
}
echo "$targets" | awk -v suite="$suite" 'index($2, suite) == 1 && $3 == "main" { print "deb", $1, $2, $3 }' >"$root/etc/apt/sources.list"

unpack() {
  npm pack --silent --pack-destination "$work" "$1" >"$work/packed"
  mkdir -p "$2"
  tar -xzf "$work/$(cat "$work/packed")" -C "$2" --strip-components=1 --no-same-owner
}
unpack "node-linux-$node_arch@$NODE_VERSION" "$root/usr/local"
unpack "npm@$NPM_VERSION" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
rm -rf "$root"/usr/local/*.md "$root/usr/local/package.json" "$root/usr/local/LICENSE" \
  "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*

tar -C "$root" -cf "$work/base.tar" .
mkdir -p "$(dirname "$file")"
cp "$work/base.tar" "$file.new"
mv "$file.new" "$file"
