// Every Debian package this project uses, by what it is for, each with a file or command that shows it is there.
export const DEBIAN_PACKAGES = {
  // Building the native addon.
  unit: [
    ['build-essential', 'cc'],
    ['make', 'make'],
    ['python3', 'python3'],
  ],
  // Hosts in network namespaces and the real programs that run in them.
  lab: [
    ['iproute2', 'ip'],
    ['nftables', 'nft'],
    ['iputils-ping', 'ping'],
    ['procps', 'sysctl'],
    ['util-linux', 'setpriv'],
    ['openssl', 'openssl'],
    ['curl', 'curl'],
    ['socat', 'socat'],
    ['conntrack', 'conntrack'],
    ['tcpdump', 'tcpdump'],
    ['nginx', 'nginx'],
    ['libnginx-mod-stream', '/usr/lib/nginx/modules/ngx_stream_module.so'],
    ['haproxy', 'haproxy'],
    ['tinyproxy-bin', 'tinyproxy'],
    ['dnsmasq-base', 'dnsmasq'],
    ['openvpn', 'openvpn'],
    ['wireguard-tools', 'wg'],
    ['iperf3', 'iperf3'],
    ['sockperf', 'sockperf'],
    ['prometheus', 'promtool'],
  ],
  // Images.
  containers: [
    ['podman', 'podman'],
    ['buildah', 'buildah'],
    ['runc', 'runc'],
    ['debootstrap', 'debootstrap'],
  ],
  // Binaries for arm64 and for musl.
  foreign: [
    ['gcc-aarch64-linux-gnu', 'aarch64-linux-gnu-gcc'],
    ['libc6-dev-arm64-cross', '/usr/aarch64-linux-gnu/include/stdio.h'],
    ['musl-tools', 'musl-gcc'],
    ['qemu-user-static', 'qemu-aarch64-static'],
  ],
  // Nodes of Kubernetes.
  kubernetes: [
    ['containerd', 'containerd'],
    ['containernetworking-plugins', '/usr/lib/cni/bridge'],
    ['busybox-static', '/bin/busybox'],
  ],
}

/** What each mode of `prepare.mjs` wants of them. */
export const PACKAGE_GROUPS = {
  unit: ['unit'],
  lab: ['unit', 'lab'],
  all: ['unit', 'lab', 'containers', 'foreign'],
  kubernetes: ['unit', 'lab', 'containers', 'kubernetes'],
}
