import { parseConnectRequest } from '@reversed-vpn/egress-proxy/testing'
import t from 'tap'

t.test(
  'an IPv6 address that ends in an IPv4 address stays what it is, unless it is IPv4-mapped',
  async (t) => {
    const hostOf = (url: string) =>
      parseConnectRequest({ url, httpVersion: '1.1', rawHeaders: ['Host', 'a'] }).host
    t.equal(hostOf('[::10.0.0.5]:443'), '::a00:5')
    t.equal(hostOf('[::ffff:10.0.0.5]:443'), '10.0.0.5')
  },
)
