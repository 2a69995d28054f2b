import '../support/own-namespace.js'
import { createLinuxLab } from '../support/linux-lab.js'
import { testTunContract } from '../support/tun-contract.js'

testTunContract('a Linux TUN', createLinuxLab)
