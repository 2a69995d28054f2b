import { join } from 'node:path'
import { mustRunCommand } from '@reversed-vpn/test/lab'
import type { Test } from 'tap'
import { sha256Of } from '../../e2e/support/files.js'
import type { Cluster } from '../cluster/cluster.js'
import { inShell, WEB } from './scene.js'

const COPY_MB = 50
const PIPE_MB = 20
const COPY_DEADLINE_MS = 180_000

/** Files to a pod and back, and a pipe through one, each compared by its hash. */
export async function copyFiles(t: Test, cluster: Cluster): Promise<void> {
  const dir = t.testdir({})
  const [there, back] = [join(dir, 'there'), join(dir, 'back')]
  const options = { deadlineMs: COPY_DEADLINE_MS }

  await makeNoise(there, COPY_MB)
  const sha256 = await sha256Of(there)
  await cluster.mustKubectl(['cp', there, `${WEB}:/tmp/copy`], options)
  const inPod = await cluster.mustKubectl(['exec', WEB, '--', 'sha256sum', '/tmp/copy'], options)
  t.equal(inPod.stdout, `${sha256}  /tmp/copy\n`, `cp of ${COPY_MB} MB to a pod`)
  await cluster.mustKubectl(['cp', `${WEB}:/tmp/copy`, back], options)
  t.equal(await sha256Of(back), sha256, `cp of ${COPY_MB} MB from a pod`)
  await cluster.mustKubectl(['exec', WEB, '--', 'rm', '/tmp/copy'])

  await makeNoise(there, PIPE_MB)
  const piped = await inShell(cluster, '"$@" <there | sha256sum', ['exec', '-i', WEB, '--', 'cat'], dir)
  t.equal(piped.stdout, `${await sha256Of(there)}  -\n`, `exec -i with ${PIPE_MB} MB, there and back`)
}

async function makeNoise(path: string, megabytes: number): Promise<void> {
  await mustRunCommand('dd', ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${megabytes}`, 'status=none'])
}
