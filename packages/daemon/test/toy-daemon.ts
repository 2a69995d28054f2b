// A daemon to start as a child process: what it does at each step comes from its options.
import { once } from 'node:events'
import { createServer } from 'node:net'
import {
  AdminServer,
  boolean,
  createRegistry,
  defineCommand,
  defineDaemon,
  defineOptions,
  duration,
  endpoint,
  httpHeader,
  integer,
  listenOn,
  oneOf,
  runDaemon,
  text,
} from '@reversed-vpn/daemon'

const SETUP_OPTIONS = defineOptions({
  uid: { kind: integer(0, 65535), required: true, description: 'owner of what is set up' },
  outcome: { kind: oneOf(['done', 'throws', 'hangs']), default: 'done', description: 'how it ends' },
})

const TOY_OPTIONS = defineOptions({
  listen: { kind: endpoint(), default: '127.0.0.1:0', description: 'where to listen', group: 'Network' },
  'admin-listen': { kind: endpoint(), default: '127.0.0.1:0', description: 'admin server', group: 'Network' },
  header: { kind: httpHeader(), list: true, description: 'header to send', group: 'Network' },
  'drain-timeout': { kind: duration({ max: '1m' }), default: '10s', description: 'longest stop' },
  verbose: { kind: boolean(), default: 'false', description: 'say more' },
  start: {
    kind: oneOf(['works', 'hangs', 'throws', 'rejects-option']),
    default: 'works',
    description: 'how the start goes',
  },
  stop: { kind: oneOf(['works', 'hangs', 'throws']), default: 'works', description: 'how the stop goes' },
  reload: {
    kind: oneOf(['works', 'throws', 'waits']),
    default: 'works',
    description: 'how the reload goes; waits for SIGUSR2',
  },
  trouble: {
    kind: text(/.*/, 'text', 'TEXT'),
    description: 'what keeps it from its job, as it says on its start',
  },
  cleanup: { kind: oneOf(['works', 'throws']), default: 'works', description: 'how the cleanup goes' },
  crash: {
    kind: oneOf(['never', 'throw', 'reject', 'fail', 'fail-twice']),
    default: 'never',
    description: 'on SIGHUP',
  },
})

const toy = defineDaemon({
  name: 'toy-daemon',
  version: '1.2.3',
  description: 'A daemon for tests.',
  options: TOY_OPTIONS,
  commands: [
    defineCommand({
      name: 'setup',
      description: 'prepare the machine',
      options: SETUP_OPTIONS,
      async run(options, context) {
        context.defer('scratch', () => context.log.info({ step: 'scratch' }, 'disposed'))
        if (options.outcome === 'throws') throw new Error('setup broke')
        if (options.outcome === 'hangs') {
          context.log.info('setting up')
          await new Promise((_, reject) => {
            context.signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true })
          })
        }
        context.log.info({ uid: options.uid }, 'set up')
      },
    }),
  ],
  async start(options, context) {
    const { log } = context
    context.defer('first', () => {
      log.info({ step: 'first' }, 'disposed')
      if (options.cleanup === 'throws') throw new Error('cannot clean up')
    })
    const server = createServer()
    const bound = await listenOn(server, options.listen)
    context.defer('second', () => {
      server.close()
      log.info({ step: 'second' }, 'disposed')
    })
    if (options.start === 'throws') throw new Error('start broke')
    if (options.start === 'rejects-option') throw context.optionError('drain-timeout', 'is not to my liking')
    if (options.start === 'hangs') {
      log.info('start hangs')
      await new Promise((_, reject) => {
        context.signal.addEventListener('abort', () => reject(new Error('start given up')), { once: true })
      })
    }
    const admin = new AdminServer({
      endpoint: options.adminListen,
      registry: createRegistry(context),
      log,
      readiness: () => ({ ready: true, reasons: [] }),
      status: () => ({ verbose: options.verbose, headers: options.header }),
    })
    const adminAt = await admin.listen()
    context.defer('admin server', () => admin.close())
    context.setTrouble(options.trouble && context.explain(options.trouble))
    log.info({ bound, adminAt, drainTimeoutMs: options.drainTimeoutMs }, 'listening')
    return {
      facts: { verbose: options.verbose },
      stopDeadlineMs: options.drainTimeoutMs,
      async stop({ deadlineMs }) {
        log.info({ deadlineMs }, 'draining')
        if (options.stop === 'throws') throw new Error('stop broke')
        if (options.stop === 'hangs') await new Promise(() => undefined)
      },
      async reload() {
        if (options.crash === 'throw') setImmediate(() => crash())
        if (options.crash === 'reject') void Promise.reject(new Error('crashed on purpose'))
        if (options.crash.startsWith('fail')) context.fail(new Error('crashed on purpose'))
        if (options.crash === 'fail-twice') context.fail(new Error('told again'))
        if (options.reload === 'throws') throw new Error('cannot reload')
        if (options.reload === 'waits') {
          const go = once(process, 'SIGUSR2')
          log.info('reload begins')
          await go
          log.info('reload ends')
        }
        return true
      },
    }
  },
})

function crash(): never {
  throw new Error('crashed on purpose')
}

await runDaemon(toy)
