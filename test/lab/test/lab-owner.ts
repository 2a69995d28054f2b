import { Lab } from '../index.js'

/** A process of its own for the tests of a lab's end: it opens a lab, says so, and ends as it is told. */
const lab = await Lab.create()
const program = await lab.hosts.node.spawn('sleep', ['1000'])
console.log(`lab ${lab.id} program ${program.pid}`)
if (process.argv[2] === 'uncaught') throw new Error('uncaught on purpose')
setInterval(() => {}, 1000)
