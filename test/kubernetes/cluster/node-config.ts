import { TOOLS_IMAGE } from '../images/static-images.js'

/** What the programs of a node are told. */
export interface NodeSetting {
  readonly name: string
  readonly dir: string
  /** The cgroup that all of its pods are below. */
  readonly cgroup: string
  readonly address: string
  readonly podNetwork: string
  /** Whose name server pods get. */
  readonly dnsAddress: string
  readonly authorityFile: string
  readonly servingCert: string
  readonly servingKey: string
}

/** The machine may have no CAP_SYS_RESOURCE, no AppArmor and no huge pages. */
export function containerdConfig(dir: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "/run/containerd/containerd.sock"
[${cri}]
  sandbox_image = "${TOOLS_IMAGE}"
  disable_apparmor = true
  disable_hugetlb_controller = true
  restrict_oom_score_adj = true
  [${cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [${cri}.containerd.runtimes.runc.options]
      SystemdCgroup = false
  [${cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${dir}/cni"
`
}

/**
 * Pods are behind cables of their own, each routed, so that all between them passes the node's firewall. As with Calico, a pod
 * forwards nothing unless it asks for that.
 */
export function cniConfig(podNetwork: string): string {
  const ipam = { type: 'host-local', ranges: [[{ subnet: podNetwork }]], routes: [{ dst: '0.0.0.0/0' }] }
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      { type: 'ptp', mtu: 1500, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
      { type: 'tuning', sysctl: { 'net.ipv4.ip_forward': '0' } },
    ],
  })
}

export function kubeletConfig(node: NodeSetting): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '0.0.0.0',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: node.authorityFile },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: node.servingCert,
    tlsPrivateKeyFile: node.servingKey,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: node.cgroup,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDomain: 'cluster.local',
    clusterDNS: [node.dnsAddress],
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    volumePluginDir: `${node.dir}/volume-plugins`,
    evictionHard: { 'memory.available': '1%', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    enforceNodeAllocatable: [],
    allowedUnsafeSysctls: ['net.ipv6.conf.all.forwarding'],
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '5s',
  })
}

export function kubeProxyConfig(kubeconfig: string, hostname: string, clusterCidr: string): string {
  return JSON.stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig },
    hostnameOverride: hostname,
    clusterCIDR: clusterCidr,
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    nftables: { minSyncPeriod: '100ms', syncPeriod: '30s' },
  })
}
