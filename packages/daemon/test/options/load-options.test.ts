import {
  boolean,
  custom,
  defineOptions,
  duration,
  environmentName,
  filePath,
  httpHeader,
  integer,
  url,
} from '@reversed-vpn/daemon'
import { loadOptions } from '@reversed-vpn/daemon/testing'
import t from 'tap'

const TABLE = defineOptions({
  'tls-cert': { kind: filePath(), required: true, description: 'certificate' },
  mtu: { kind: integer(68, 9000), default: '1500', description: 'MTU' },
  keepalive: { kind: duration(), default: '5s', description: 'keepalive' },
  'pod-network': {
    kind: custom({
      placeholder: 'CIDR',
      expected: 'a CIDR',
      parse: (text) => (/\//.test(text) ? text : undefined),
    }),
    list: true,
    description: 'networks',
  },
  header: { kind: httpHeader(), list: true, description: 'headers' },
  verbose: { kind: boolean(), description: 'verbose' },
  proxy: { kind: url(['http']), description: 'proxy' },
})

function load(flags: Record<string, string[]>, environment: Record<string, string> = {}) {
  return loadOptions(TABLE, { program: 'toy-daemon', flags: new Map(Object.entries(flags)), environment })
}

const CERT = { 'tls-cert': ['a.crt'] }

t.test('values are typed, named in camel case, durations with their unit, and frozen', async (t) => {
  const { values } = load(CERT)
  const typed: { tlsCert: string; mtu: number; keepaliveMs: number; verbose: boolean | undefined } = values
  t.match(typed, { tlsCert: 'a.crt', mtu: 1500, keepaliveMs: 5000, verbose: undefined })
  t.same(values.podNetwork, [])
  t.ok(Object.isFrozen(values))
  t.ok(Object.isFrozen(values.podNetwork))
})

t.test('a flag beats the environment, that beats the default', async (t) => {
  const environment = { TOY_DAEMON_MTU: '1400', TOY_DAEMON_KEEPALIVE: '7s' }
  const { values } = load({ ...CERT, mtu: ['1300'] }, environment)
  t.equal(values.mtu, 1300)
  t.equal(values.keepaliveMs, 7000)
  t.equal(load(CERT, { TOY_DAEMON_PROXY: 'http://own' }).values.proxy?.hostname, 'own')
  t.equal(load(CERT).values.proxy, undefined)
  t.equal(environmentName('toy-daemon', 'tls-cert'), 'TOY_DAEMON_TLS_CERT')
})

t.test('a variable that is set but empty counts as not set', async (t) => {
  t.equal(load(CERT, { TOY_DAEMON_MTU: '' }).values.mtu, 1500)
})

t.test('a list repeats the flag or uses commas', async (t) => {
  const { values } = load({ ...CERT, 'pod-network': ['10.0.0.0/8, 10.1.0.0/16', 'fd00::/8'] })
  t.same(values.podNetwork, ['10.0.0.0/8', '10.1.0.0/16', 'fd00::/8'])
  t.same(load(CERT, { TOY_DAEMON_POD_NETWORK: '10.0.0.0/8,fd00::/8' }).values.podNetwork, [
    '10.0.0.0/8',
    'fd00::/8',
  ])
  t.throws(() => load({ ...CERT, 'pod-network': ['10.0.0.0/8,'] }), {
    message: '--pod-network "" (command line): expected a CIDR',
  })
})

t.test('headers keep their commas; in the environment they are one a line', async (t) => {
  t.same(load({ ...CERT, header: ['A: b, c', 'D: e'] }).values.header, [
    { name: 'A', value: 'b, c' },
    { name: 'D', value: 'e' },
  ])
  t.same(load(CERT, { TOY_DAEMON_HEADER: 'A: b, c\nD: e\n' }).values.header, [
    { name: 'A', value: 'b, c' },
    { name: 'D', value: 'e' },
  ])
})

t.test('of a flag that is repeated though it is no list, the last counts', async (t) => {
  t.equal(load({ ...CERT, mtu: ['1300', '1200'] }).values.mtu, 1200)
})

t.test('an error names the flag, the value, where it came from and what is expected', async (t) => {
  t.throws(() => load({ ...CERT, mtu: ['12'] }), {
    name: 'UsageError',
    code: 'ERR_USAGE',
    message: '--mtu "12" (command line): expected an integer of 68–9000',
  })
  t.throws(() => load(CERT, { TOY_DAEMON_MTU: 'big\nger' }), {
    message: '--mtu "big\\nger" (environment TOY_DAEMON_MTU): expected an integer of 68–9000',
  })
  t.throws(() => load({}), { message: '--tls-cert (or TOY_DAEMON_TLS_CERT) is not given, expected a path' })
})

t.test('an error cuts a long value and shows no secret', async (t) => {
  t.throws(() => load({ ...CERT, mtu: ['9'.repeat(500)] }), { message: /^--mtu "9{120}…" / })
  t.throws(() => load(CERT, { TOY_DAEMON_PROXY: 'https://user:hunter2@proxy' }), {
    message: '--proxy "https://***@proxy" (environment TOY_DAEMON_PROXY): expected a URL of scheme http',
  })
})

t.test('an option that is well-formed but cannot be is told with its value and origin', async (t) => {
  const { optionError } = load({ ...CERT, 'pod-network': ['10.0.0.0/8', 'fd00::/8'] })
  t.equal(
    optionError('pod-network', 'covers the default gateway').message,
    '--pod-network "10.0.0.0/8,fd00::/8" (command line): covers the default gateway',
  )
  t.equal(optionError('proxy', 'is needed').message, '--proxy: is needed')
})

t.test('a parser that throws says what is wrong beside what is expected', async (t) => {
  const table = defineOptions({
    net: {
      kind: custom<string>({
        placeholder: 'CIDR',
        expected: 'a CIDR',
        parse: () => {
          throw new Error('host bits are set')
        },
      }),
      default: '10.0.0.1/8',
      description: 'network',
    },
  })
  t.throws(() => loadOptions(table, { program: 'x', flags: new Map(), environment: {} }), {
    message: '--net "10.0.0.1/8" (default): host bits are set, expected a CIDR',
  })
})

t.test('a table that is wrong in itself is refused', async (t) => {
  t.throws(() => defineOptions({ tlsCert: { kind: filePath(), description: '' } }), TypeError)
  t.throws(
    () => defineOptions({ x: { kind: filePath(), description: '', required: true, default: 'y' } }),
    TypeError,
  )
})
