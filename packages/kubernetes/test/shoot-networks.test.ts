// Networks as clouds assign them: families of which the spec names nothing, ranges that pods and nodes share, and what only the
// status has.
import t from 'tap'
import { parse } from 'yaml'
import { renderInput, shootOf } from './support/input.js'
import { findObject, parseObjects } from './support/kubernetes-object.js'

const KEYS = ['pod-network', 'service-network', 'node-network'] as const

interface Case {
  readonly title: string
  readonly networking?: object
  readonly status?: object
  readonly flags?: readonly string[]
  /** Networks of pods, services and nodes. */
  readonly networks: readonly (readonly string[])[]
  readonly note?: RegExp
}

const IPV4 = { pods: '100.96.0.0/11', services: '100.64.0.0/13', nodes: '10.250.0.0/16' }
const SHARED_RANGE = '2001:db8:7e00:4f00::/56'
const SERVICES_INSIDE = '2001:db8:7e00:4f01:2::/108'

const TAKEN: readonly Case[] = [
  {
    title: 'IPv6 only, all of it in the status, pods and nodes in one range',
    networking: { type: 'calico', ipFamilies: ['IPv6'] },
    status: { networking: { pods: [SHARED_RANGE], services: [SERVICES_INSIDE], nodes: [SHARED_RANGE] } },
    networks: [[SHARED_RANGE], [SERVICES_INSIDE], [SHARED_RANGE]],
  },
  {
    title: 'dual stack whose IPv6 the infrastructure has assigned',
    networking: { ...IPV4, ipFamilies: ['IPv4', 'IPv6'] },
    status: {
      networking: {
        pods: ['100.96.0.0/11', SHARED_RANGE],
        services: ['100.64.0.0/13', SERVICES_INSIDE],
        nodes: ['10.250.0.0/16', SHARED_RANGE],
      },
    },
    networks: [
      ['100.96.0.0/11', SHARED_RANGE],
      ['100.64.0.0/13', SERVICES_INSIDE],
      ['10.250.0.0/16', SHARED_RANGE],
    ],
  },
  {
    title: 'IPv6 first, in a range of its own for each worker pool',
    networking: { ...IPV4, ipFamilies: ['IPv6', 'IPv4'] },
    status: {
      networking: {
        pods: ['fd00:10::/48'],
        services: ['fd00:20::/108'],
        nodes: ['2001:db8:1::/64', '2001:db8:2::/64'],
      },
    },
    networks: [
      ['100.96.0.0/11', 'fd00:10::/48'],
      ['100.64.0.0/13', 'fd00:20::/108'],
      ['10.250.0.0/16', '2001:db8:1::/64', '2001:db8:2::/64'],
    ],
  },
  {
    title: 'nodes of which the spec and the status each know some, the spec first and each once',
    networking: { ...IPV4, nodes: '10.180.0.0/16' },
    status: { networking: { pods: IPV4.pods, nodes: ['10.0.0.0/24', '10.180.0.0/16', '10.0.0.0/24'] } },
    networks: [[IPV4.pods], [IPV4.services], ['10.180.0.0/16', '10.0.0.0/24']],
  },
  {
    title: 'a migration to dual stack that has not reached the infrastructure',
    networking: { ...IPV4, ipFamilies: ['IPv4', 'IPv6'] },
    status: { networking: { pods: [IPV4.pods], services: [IPV4.services], nodes: [IPV4.nodes] } },
    networks: [[IPV4.pods], [IPV4.services], [IPV4.nodes]],
    note: /has no networks of IPv6 yet, .*: render again when status\.networking has them\n/,
  },
  {
    title: 'bare metal whose nodes have no common network, given by a flag',
    networking: { pods: IPV4.pods, services: IPV4.services },
    flags: ['--node-network', '198.51.100.0/24,203.0.113.0/25'],
    networks: [[IPV4.pods], [IPV4.services], ['198.51.100.0/24', '203.0.113.0/25']],
  },
]

for (const { title, networking = {}, status, flags = [], networks, note = /the shoot dials/ } of TAKEN) {
  t.test(`takes ${title}`, async (t) => {
    const shoot = shootOf({ networking, ...(status ? { status } : {}) })
    const outcome = await renderInput(t, { shoot, flags })
    t.match(outcome, { code: 0, stderr: note })
    if (outcome.code !== 0) return
    for (const name of ['vpn-seed-server', 'vpn-shoot']) {
      const { data } = findObject(parseObjects(outcome.stdout), 'ConfigMap', name)
      const config = parse(data['config.yaml'])
      t.same(
        KEYS.map((key) => config[key]),
        networks,
        name,
      )
    }
  })
}

const FILLED_IN = /: use the Shoot as the API server has it \(kubectl get shoot -o yaml\), where /

for (const { title, shoot, says } of [
  {
    title: 'dual stack as its owner writes it',
    shoot: shootOf({ networking: { ...IPV4, ipFamilies: ['IPv4', 'IPv6'] } }),
    says: /spec\.networking\.pods: IPv4 only, expected a network of IPv6 too/,
  },
  {
    title: 'IPv6 only as its owner writes it',
    shoot: shootOf({ networking: { ipFamilies: ['IPv6'] } }),
    says: /spec\.networking\.pods: is not given, /,
  },
  {
    title: 'nodes alone',
    shoot: shootOf({ networking: { nodes: IPV4.nodes } }),
    says: /spec\.networking\.pods: is not given, /,
  },
  { title: 'no networking', shoot: shootOf({}), says: /spec\.networking: is not given, / },
  {
    title: 'no version',
    shoot: shootOf({ networking: IPV4, spec: { kubernetes: {} } }),
    says: /spec\.kubernetes\.version: expected a version /,
  },
  {
    title: 'nothing about Kubernetes',
    shoot: shootOf({ networking: IPV4, spec: { kubernetes: null } }),
    says: /spec\.kubernetes: expected a mapping with version/,
  },
]) {
  t.test(`refuses ${title} and says where the rest is`, async (t) => {
    const { code, stdout, stderr } = await renderInput(t, { shoot })
    t.match({ code, stdout }, { code: 2, stdout: '' })
    t.match(stderr, says)
    t.match(stderr, FILLED_IN)
    t.match(stderr, /^[^\n]+\n$/, 'one line')
  })
}

t.test('the nodes of bare metal may also be given by a flag, it says', async (t) => {
  const shoot = shootOf({ networking: { pods: IPV4.pods, services: IPV4.services } })
  t.match(await renderInput(t, { shoot }), {
    code: 2,
    stderr: /spec\.networking\.nodes: is not given, .*, or give --node-network\n$/,
  })
})

t.test('IPv4 networks that overlap are still a mistake', async (t) => {
  const networking = { pods: '10.0.0.0/8', services: '10.96.0.0/16', nodes: '192.168.0.0/24' }
  t.match(await renderInput(t, { shoot: shootOf({ networking }) }), {
    code: 2,
    stderr: /spec\.networking\.services: 10\.96\.0\.0\/16 overlaps 10\.0\.0\.0\/8 of pods/,
  })
  const status = { networking: { nodes: ['100.96.1.0/24'] } }
  t.match(await renderInput(t, { shoot: shootOf({ networking: IPV4, status }) }), {
    code: 2,
    stderr: /status\.networking\.nodes: 100\.96\.1\.0\/24 overlaps 100\.96\.0\.0\/11 of pods/,
  })
})
