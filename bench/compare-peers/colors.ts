import type { PeerRecord } from './results.js'

const COLORS: Readonly<Record<string, string>> = {
  direct: '#9aa5b1',
  openvpn: '#e8a33d',
  'openvpn-proxy': '#f3cd8c',
  'wireguard-go': '#b0413e',
  'haproxy-relay': '#7b5ea7',
  'haproxy-egress': '#a78bc9',
  konnectivity: '#326c4f',
  ours: '#2f6fdb',
  'ours-streams': '#c2528b',
  'ours-proxy': '#8fb4f0',
  'ours-gateway': '#1b9aaa',
  'ours-haproxy': '#6fc3cd',
  'ours-websocket': '#3d5a80',
  'ours-websocket-nginx': '#8da3bd',
}
const EXTERNAL_COLOR = '#5aa469'

export function colorOf({ name }: PeerRecord): string {
  return COLORS[name] ?? EXTERNAL_COLOR
}
