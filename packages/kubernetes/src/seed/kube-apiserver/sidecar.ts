import type { Manifest } from '../../manifest/manifest.js'
import { SEED_PORTS, SEED_SERVER } from '../../names.js'
import { CONFIG_FOLDER, configHashAnnotation } from '../../pod/config.js'
import { daemonContainer, setupContainer } from '../../pod/containers.js'
import { exceptionAnnotations, forwardingSysctls } from '../../pod/security.js'
import { mountedConfigMap, mountedSecret, mountedTunDevice } from '../../pod/volumes.js'
import type { RenderSetting } from '../../setting/render-setting.js'
import { diallingSeedConfig, SEED_TLS_FOLDER } from '../seed-server-config.js'
import { apiServerComponent, deploymentPatch } from './component.js'

/**
 * Adds a seed-server that dials to kube-apiserver's pod. They share one network, so its routes lead kube-apiserver into the
 * tunnel.
 */
export function sidecarComponent(setting: RenderSetting): Manifest {
  const config = mountedConfigMap('vpn-config', SEED_SERVER, CONFIG_FOLDER)
  const device = mountedTunDevice('vpn-dev-net-tun')
  const tls = mountedSecret({
    name: 'vpn-tls',
    secretName: setting.secrets.seedServer,
    mountPath: SEED_TLS_FOLDER,
    hasFsGroup: false,
  })
  const image = setting.images.seedServer
  const patch = deploymentPatch(setting, {
    metadata: {
      annotations: {
        ...configHashAnnotation(diallingSeedConfig(setting)),
        ...exceptionAnnotations(setting),
      },
    },
    spec: {
      securityContext: forwardingSysctls(setting),
      initContainers: [
        setupContainer({ name: 'vpn-setup', program: 'seed-server', image, volumes: [config, device] }),
      ],
      containers: [
        daemonContainer({
          name: SEED_SERVER,
          program: 'seed-server',
          image,
          ports: { 'vpn-admin': SEED_PORTS.admin },
          adminPort: 'vpn-admin',
          volumes: [config, tls, device],
          // Else the pod would wait for the tunnel, the tunnel for the shoot, and the shoot for kube-apiserver.
          hasReadinessProbe: false,
        }),
      ],
      volumes: [config, tls, device].map(({ volume }) => volume),
    },
  })
  return apiServerComponent('kube-apiserver-vpn-sidecar', setting, [patch])
}
