import type { Results, Sample } from '../compare-peers/results.js'

const ENVIRONMENT = {
  commit: '0123456789abcdef',
  isDirty: false,
  startedAt: '2026-01-01T00:00:00.000Z',
  node: 'v20.20.2',
  openssl: '3.0.19',
  kernel: '6.18.0',
  cpu: 'a processor',
  processors: 2,
  memoryBytes: 24e9,
  programs: { openvpn: 'OpenVPN 2.6.14' },
  tcpCongestion: 'bbr',
}

/** A run of one scenario with two peers, each with these throughputs (Gbit/s), repetition by repetition. */
export function sampleResults(openvpn: readonly number[], ours: readonly number[]): Results {
  return {
    environment: ENVIRONMENT,
    settings: { seconds: 5, repetitions: openvpn.length, command: 'npm run bench --' },
    peers: [
      { name: 'openvpn', title: 'OpenVPN', isExternal: false, mtu: 1500, commands: ['openvpn --dev ovpn0'] },
      { name: 'ours', title: 'reversed-vpn', isExternal: false, mtu: 1500, commands: ['seed-server'] },
    ],
    scenarios: [
      {
        name: 'tcp-1-to-shoot',
        title: '1 TCP stream, caller → pod',
        metrics: [{ key: 'gigabitsPerSecond', title: 'received', unit: 'Gbit/s', isHigherBetter: true }],
      },
    ],
    samples: [...openvpn.map(sampleOf('openvpn')), ...ours.map(sampleOf('ours'))],
    memory: [{ peer: 'ours', role: 'seed', idleRssBytes: 80e6, peakRssBytes: 210e6, finalRssBytes: 120e6 }],
  }
}

function sampleOf(peer: string): (gigabitsPerSecond: number, repetition: number) => Sample {
  return (gigabitsPerSecond, repetition) => ({
    scenario: 'tcp-1-to-shoot',
    peer,
    repetition,
    startedAt: '2026-01-01T00:00:01.000Z',
    commands: ['iperf3 --client 100.96.1.2'],
    values: { gigabitsPerSecond },
    cpuSeconds: { seed: 1 },
    cpuSecondsPerGigabyte: { seed: 2.5 },
    idlePeersShare: 0.01,
    stolenShare: 0,
  })
}
