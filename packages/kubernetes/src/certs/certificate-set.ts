import { SECRETS, SEED_SERVER, seedServerHost } from '../names.js'
import { Authority, type CertificatePair, type LeafRequest, type Validity } from './authority.js'

/** The names that seed-server and egress proxy expect in the certificates of those who connect. */
const SHOOT_CLIENT_NAME = 'vpn-shoot-client'
const API_SERVER_NAME = 'kube-apiserver-http-proxy-client'

interface CertificateSetOptions extends Validity {
  readonly seedNamespace: string
}

export interface CertificateSet {
  readonly authority: CertificatePair
  /** By the name of the Secret they are for. */
  readonly secrets: ReadonlyMap<string, CertificatePair>
}

/** An authority for one shoot, and a certificate for every Secret that the shoot's manifests refer to. */
export async function makeCertificateSet(options: CertificateSetOptions): Promise<CertificateSet> {
  const authority = await Authority.make('reversed-vpn trial', options)
  const secrets = new Map<string, CertificatePair>()
  for (const [secret, request] of Object.entries(leafRequests(options.seedNamespace)))
    secrets.set(secret, await authority.issue(request))
  return { authority: await authority.pair(), secrets }
}

/** Either end of the tunnel may dial, so both certificates allow both usages. */
function leafRequests(seedNamespace: string): Record<string, LeafRequest> {
  const seedServerNames: LeafRequest['names'] = [
    SEED_SERVER,
    `${SEED_SERVER}.${seedNamespace}`,
    `${SEED_SERVER}.${seedNamespace}.svc`,
    seedServerHost(seedNamespace),
  ]
  return {
    [SECRETS.seedServer]: { names: seedServerNames, usages: ['server', 'client'] },
    [SECRETS.vpnShoot]: { names: [SHOOT_CLIENT_NAME], usages: ['server', 'client'] },
    [SECRETS.egress]: { names: seedServerNames, usages: ['server'] },
    [SECRETS.apiServer]: { names: [API_SERVER_NAME], usages: ['client'] },
  }
}
