// Two real clusters on one machine. The seed is a machine (network namespace, mounts and process ids of its own) with etcd and the
// control plane of Kubernetes as processes, and with containerd, kubelet and kube-proxy as its one node. In it, as pods, are the
// control plane of the shoot and the gateway. The shoot's nodes are machines in a private network behind a NAT, which reach the seed by its
// load balancer's address alone; kube-apiserver has no route to them. Pods are routed (CNI `ptp`) and forward nothing unless they ask for it.
// kubectl for the shoot runs on a machine in the internet. NetworkPolicies are in force on a node after its `enforcePolicies`. `Clusters.create` builds all of it, `connect` applies what `reversed-vpn` renders, and
// everything goes with `close`, or with the process however that ends.
export { Clusters } from './clusters.js'
export { PRINTER, printerPod } from './printer-pod.js'
export { Stranger } from './stranger.js'
export { toolsPod } from './tools-pod.js'
