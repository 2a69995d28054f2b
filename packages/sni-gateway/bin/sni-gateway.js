#!/usr/bin/env -S UV_THREADPOOL_SIZE=68 node --max-semi-space-size=8 --single-threaded-gc
// While the modules load, SIGHUP would end the process: files are read after that anyway. SIGUSR1 would open Node's debugger.
for (const signal of ['SIGHUP', 'SIGUSR1']) process.on(signal, () => {})
await import('../dist/main.js')
