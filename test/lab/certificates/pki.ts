import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADDRESSES } from '../hosts/topology.js'
import { type CertificateRequest, type KeyPair, OpensslAuthority } from './openssl-authority.js'

export const SEED_SERVER_NAME = 'vpn-seed-server'
export const SHOOT_CLIENT_NAME = 'vpn-shoot-client'
const APISERVER_NAME = 'kube-apiserver-http-proxy-client'

const DAY_MS = 86_400_000

/** What one shoot's tunnel and its egress proxy need, each with an authority of its own, as in a Gardener seed. */
export interface ShootCertificates {
  readonly tunnelCa: OpensslAuthority
  readonly egressCa: OpensslAuthority
  readonly seedServer: KeyPair
  readonly shootClient: KeyPair
  readonly egressServer: KeyPair
  readonly apiserver: KeyPair
}

/** What is wrong with a certificate that has to be refused. */
export type Flaw = 'expired' | 'not-yet-valid' | 'wrong-name' | 'wrong-usage' | 'no-san' | 'mismatched-key'

/** Certificates for a test, in a directory that goes with it. */
export class Pki implements AsyncDisposable {
  readonly dir: string

  /** @param parent a directory to be in, such as a lab's. @default the machine's directory for temporary files */
  static async create(parent = tmpdir()): Promise<Pki> {
    return new Pki(await mkdtemp(join(parent, 'reversed-vpn-pki-')))
  }

  private constructor(dir: string) {
    this.dir = dir
  }

  /** A new authority. Two of the same name are two different ones. */
  async authority(name: string): Promise<OpensslAuthority> {
    return OpensslAuthority.create(await mkdtemp(join(this.dir, 'ca-')), name)
  }

  /** Everything for one shoot. */
  async shoot(name = 'shoot--lab'): Promise<ShootCertificates> {
    const [tunnelCa, egressCa] = await Promise.all([
      this.authority(`ca-vpn-${name}`),
      this.authority(`ca-egress-${name}`),
    ])
    const [[seedServer, shootClient], [egressServer, apiserver]] = await Promise.all([
      Promise.all([tunnelCa.issue(seedServerRequest()), tunnelCa.issue(shootClientRequest())]),
      Promise.all([egressCa.issue(egressServerRequest()), egressCa.issue(apiserverRequest())]),
    ])
    return { tunnelCa, egressCa, seedServer, shootClient, egressServer, apiserver }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true })
  }
}

export function seedServerRequest(): CertificateRequest {
  return { commonName: SEED_SERVER_NAME, dnsNames: [SEED_SERVER_NAME], usage: 'server' }
}

export function shootClientRequest(): CertificateRequest {
  return { commonName: SHOOT_CLIENT_NAME, dnsNames: [SHOOT_CLIENT_NAME], usage: 'client' }
}

/** Good for every name and address that the caller may know the seed by. */
function egressServerRequest(): CertificateRequest {
  return {
    commonName: SEED_SERVER_NAME,
    dnsNames: [SEED_SERVER_NAME, 'seed', 'localhost'],
    ipAddresses: [ADDRESSES.seed.ipv4, ADDRESSES.seed.ipv6, '127.0.0.1', '::1'],
    usage: 'server',
  }
}

function apiserverRequest(): CertificateRequest {
  return { commonName: APISERVER_NAME, usage: 'client' }
}

/** The same request with one thing wrong. A certificate from another authority is simply issued by another one. */
export function withFlaw(request: CertificateRequest, flaw: Flaw): CertificateRequest {
  switch (flaw) {
    case 'expired':
      return {
        ...request,
        validFrom: new Date(Date.now() - 2 * DAY_MS),
        validTo: new Date(Date.now() - DAY_MS),
      }
    case 'not-yet-valid':
      return {
        ...request,
        validFrom: new Date(Date.now() + DAY_MS),
        validTo: new Date(Date.now() + 2 * DAY_MS),
      }
    case 'wrong-name':
      return { ...request, commonName: 'somebody-else', dnsNames: ['somebody-else'], ipAddresses: [] }
    case 'wrong-usage':
      return { ...request, usage: request.usage === 'server' ? 'client' : 'server' }
    case 'no-san':
      return { ...request, dnsNames: [], ipAddresses: [] }
    case 'mismatched-key':
      return { ...request, isKeyMismatched: true }
    default:
      return flaw satisfies never
  }
}
