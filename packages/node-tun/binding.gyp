{
  'targets': [
    {
      'target_name': 'tun',
      'sources': [
        'native/errors.c',
        'native/link.c',
        'native/module.c',
        'native/netlink.c',
        'native/sockopt.c',
        'native/tun_io.c',
        'native/tun_open.c',
        'native/tun_poll.c',
        'native/tun_queue.c',
        'native/values.c',
      ],
      'defines': ['_GNU_SOURCE', 'NAPI_VERSION=8'],
      'cflags!': ['-O3', '-Wno-unused-parameter'],
      'cflags': ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
    },
  ],
}
