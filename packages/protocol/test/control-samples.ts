import type { ControlMessage, HelloMessage, WelcomeMessage } from '@reversed-vpn/protocol'
import type { CloseMessage, ControlName, GoawayMessage } from '@reversed-vpn/protocol/testing'

const HELLO: HelloMessage = {
  type: 'HELLO',
  version: 1,
  instance: '00112233445566778899aabbccddeeff',
  accepts: ['checksum', 'tso4', 'tso6'],
  mtu: 1500,
}

export const JOINING_HELLO: HelloMessage = {
  ...HELLO,
  software: 'shoot-client 0.1.0',
  lanes: 2,
  session: '0123456789abcdef0123456789abcdef',
  token: 'f0'.repeat(32),
  lane: 3,
}

export const WELCOME: WelcomeMessage = {
  type: 'WELCOME',
  version: 1,
  session: '0123456789abcdef0123456789abcdef',
  token: 'f0'.repeat(32),
  lane: 0,
  lanesMax: 16,
  mtu: 1500,
  accepts: [],
  addresses: {
    seed: ['192.168.123.1/24', 'fd8f:6d53:b97a:1::1/112'],
    shoot: ['192.168.123.2/24', 'fd8f:6d53:b97a:1::2/112'],
  },
  networks: { pod: ['100.96.0.0/11'], service: ['100.64.0.0/13'], node: ['10.250.0.0/16', '2001:db8::/48'] },
  keepaliveMs: 5000,
  deadAfterMs: 15_000,
}

const GOAWAY: GoawayMessage = { type: 'GOAWAY', lane: 2, reason: 'rotate-age' }

const CLOSE: CloseMessage = { type: 'CLOSE', code: 'dead-peer', reason: 'no byte for 15000 ms' }

/** A message of each type that passes, as the object that its JSON stands for. */
export const GOOD_FIELDS: Record<ControlName, Record<string, unknown>> = {
  HELLO: withoutType(HELLO),
  WELCOME: withoutType(WELCOME),
  REJECT: { code: 'wrong-name', reason: 'certificate names "x"' },
  PING: { id: 1 },
  PONG: { id: 0xffff_ffff },
  GOAWAY: withoutType(GOAWAY),
  CLOSE: withoutType(CLOSE),
}

function withoutType(message: ControlMessage): Record<string, unknown> {
  const { type: _, ...fields } = message
  return fields
}
