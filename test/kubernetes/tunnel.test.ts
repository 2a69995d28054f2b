// A control plane in a real seed and the kubelets of its shoot, joined by what `reversed-vpn render` writes and nothing else.
import t from 'tap'
import { ensureBinaries } from './binaries/index.js'
import { Clusters, PRINTER, printerPod } from './cluster/index.js'
import { ensureImages } from './images/index.js'

const clusters = await Clusters.create({ binaries: await ensureBinaries(), images: await ensureImages() })
t.teardown(() => clusters.close())
const { seed, shoot } = clusters

t.test('without a tunnel a pod runs in the shoot, and its log is out of reach', async (t) => {
  await shoot.apply([printerPod()])
  await shoot.mustKubectl(['wait', '--for=condition=Ready', `pod/${PRINTER}`, '--timeout=60s'], {
    deadlineMs: 90_000,
  })
  const { code, stderr } = await shoot.kubectl(['logs', PRINTER, '--request-timeout=20s'])
  t.not(code, 0)
  t.match(stderr, /dial tcp 10\.250\.0\.10:10250/)
})

t.test('with what was rendered, applied unchanged, kubectl reaches pods', async (t) => {
  await clusters.connect()
  t.match(await shoot.eventually(['logs', PRINTER]), /^line 1\n/)
  const { stdout } = await shoot.mustKubectl(['exec', PRINTER, '--', 'echo', 'through the tunnel'])
  t.equal(stdout, 'through the tunnel\n')
  const { stdout: sysctl } = await shoot.mustKubectl([
    'exec',
    PRINTER,
    '--',
    'cat',
    '/proc/sys/net/ipv4/ip_forward',
  ])
  t.equal(sysctl, '0\n', 'the network of a pod forwards nothing')
})

// Neither cluster lets a privileged pod in: kube-apiserver does not by default.
t.test('the namespace of the gateway lets in nothing but what keeps to the restricted profile', async (t) => {
  const probe = ['run', 'probe', '-n', 'sni-gateway', '--image=none']
  t.match(await seed.kubectl(probe), { code: 1, stderr: /violates PodSecurity "restricted/ })
})
