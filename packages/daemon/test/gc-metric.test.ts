import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRegistry } from '@reversed-vpn/daemon'
import t from 'tap'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

t.test(
  'every pause for garbage collection is counted, also those of one turn of the event loop',
  async (t) => {
    const registry = createRegistry({ name: 'toy-daemon', version: '1', droppedLines: () => 0 })
    const sample = async (name: string) => {
      const line = `toy_daemon_nodejs_gc_duration_seconds_${name}{kind="major"} `
      const found = (await registry.metrics()).split('\n').find((each) => each.startsWith(line))
      return Number(found?.slice(line.length) ?? 0)
    }
    const before = await sample('count')
    for (let pause = 0; pause < 5; pause++) collectGarbage()
    const countBy = async () => (await sample('count')) - before
    while ((await countBy()) === 0) await nextTurn()
    const counted = await countBy()
    t.ok(counted >= 5, `${counted} of 5, and what V8 did of its own accord`)
    const seconds = await sample('sum')
    t.ok(seconds > 0 && seconds < 5, `${seconds} s`)
  },
)
