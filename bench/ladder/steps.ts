import { VIRTIO_NET_HEADER_BYTES } from '@reversed-vpn/protocol'
import { MAX_DATA_PAYLOAD_BYTES } from '@reversed-vpn/protocol/testing'
import { EMPTY_LOOP } from './empty-loop.js'
import { frameDecode } from './frame-decode.js'
import type { LadderStep } from './ladder-step.js'
import { laneLoopback } from './lane-loopback.js'
import { packetCheck } from './packet-check.js'
import { tcpGsoPacket, udpPacket } from './sample-packets.js'
import { tlsLoopback } from './tls-loopback.js'
import { tunDevice } from './tun-device.js'

const TLS_RECORD_BYTES = 16_384
const GSO_PACKET = tcpGsoPacket(MAX_DATA_PAYLOAD_BYTES - VIRTIO_NET_HEADER_BYTES)

/** From an empty loop to everything between two TUNs. */
export const LADDER: readonly LadderStep[] = [
  EMPTY_LOOP,
  frameDecode('decode frames (64 KiB in 16 KiB chunks)', MAX_DATA_PAYLOAD_BYTES, TLS_RECORD_BYTES),
  frameDecode('decode frames (100 B in 16 KiB chunks)', 100, TLS_RECORD_BYTES),
  packetCheck('check a packet (64 KiB TCP GSO packet)', GSO_PACKET),
  packetCheck('check a packet (64 B UDP)', udpPacket(64)),
  tunDevice('write to a TUN (64 KiB TCP GSO packets, 3 at a time)', 'write', GSO_PACKET, 3),
  tunDevice('write to a TUN and read back (64 KiB TCP GSO packets, 3 at a time)', 'back', GSO_PACKET, 3),
  tunDevice('write to a TUN (64 B UDP, 256 at a time)', 'write', udpPacket(64), 256),
  tunDevice('write to a TUN and read back (64 B UDP, 256 at a time)', 'back', udpPacket(64), 256),
  tlsLoopback('TLS over loopback (256 KiB writes)', 256 * 1024),
  laneLoopback('lanes over TLS over loopback (64 KiB TCP GSO packets)', GSO_PACKET),
  laneLoopback('lanes over TLS over loopback (64 B UDP)', udpPacket(64)),
]
