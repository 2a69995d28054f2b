/*
 * Emulates a high-RTT link: every IP packet from one TUN device leaves by the other one after the delay, unless the seeded random
 * generator or a full queue dropped it. Each direction is
 *
 *     read ─▶ queue of so many bytes, drops at its tail ─▶ line of so many bits/s ─▶ loss ─▶ delay ─▶ write
 *
 * A lost packet has taken its time on the line. Packets never overtake. TCP comes and leaves as GSO packets, because the cost of a
 * packet is its path through the kernel. In between each segment is queued, lost and delayed alone. Segments of one GSO packet that
 * are due together leave as one again. SIGUSR1 prints statistics, one JSON object per line.
 *
 * usage: wan-link NETNS DEVICE NETNS DEVICE and then, for the direction from the first device and for the one from the second,
 *        DELAY_NS LOSS_PERCENT BITS_PER_SECOND QUEUE_BYTES SEED
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull
/* While packets come, those of this time are taken and delivered together: a wake-up costs more than a packet. */
#define TICK_NS 100000ull
/* A batch of one direction, after which the other one has its turn. */
#define BATCH 256
#define MAX_RUN 64
#define MAX_PACKET_BYTES 2048
#define MAX_SUPER_PACKET_BYTES 65535
#define MAX_HEADER_BYTES 256
#define MIN_PACKET_BYTES 20
#define TCP_FIN_PSH 0x09
#define TCP_CWR 0x80
#define TCP_CHECKSUM_AT 16
#define ARGUMENTS_PER_DIRECTION 5

/* The header of every packet in the ring. A segment has the headers of its GSO packet until it leaves. */
typedef struct {
  uint64_t due_ns;
  uint32_t bytes;
  /* 0: a packet of its own */
  uint32_t gso_packet;
  uint16_t index;
  uint16_t header_bytes;
  bool is_last;
  struct virtio_net_hdr vnet;
} slot;

typedef struct {
  const char *name;
  int from;
  int to;
  uint64_t delay_ns;
  uint64_t loss_threshold;
  bool loses_all;
  double ns_per_byte;
  uint64_t queue_bytes;
  uint64_t random_state;
  /* When the last bit that was accepted so far has gone onto the line. */
  uint64_t line_free_ns;
  uint8_t *ring;
  size_t ring_bytes;
  size_t head;
  size_t tail;
  uint64_t in_flight;
  uint32_t gso_packets;
  uint64_t packets, bytes, lost, dropped, refused, delivered, delivered_bytes;
  uint64_t queue_delay_sum_ns, queue_delay_max_ns, late_sum_ns, late_max_ns;
} direction;

static void die(const char *what, const char *which)
{
  fprintf(stderr, "wan-link: %s %s: %s\n", what, which, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
  return (struct timespec){.tv_sec = (time_t)(ns / SECOND_NS), .tv_nsec = (long)(ns % SECOND_NS)};
}

/* splitmix64: all 64 bits are even, from any seed */
static uint64_t random64(uint64_t *state)
{
  uint64_t mixed = (*state += 0x9e3779b97f4a7c15ull);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
  return mixed ^ (mixed >> 31);
}

/* A TUN device belongs to the namespace in which /dev/net/tun was opened. The process stays in that namespace. */
static int open_tun(const char *netns, const char *device)
{
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "/run/netns/%s", netns);
  int netns_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (netns_fd < 0 || setns(netns_fd, CLONE_NEWNET) < 0) {
    die("cannot enter namespace", netns);
  }
  close(netns_fd);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
  snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) {
    die("cannot open TUN device", device);
  }
  return fd;
}

static double number(const char *text, double least, double most)
{
  char *end;
  double value = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= least && value <= most)) {
    fprintf(stderr, "wan-link: \"%s\": expected a number from %g to %g\n", text, least, most);
    exit(2);
  }
  return value;
}

static void set_up(direction *one, char *const *arguments)
{
  one->delay_ns = (uint64_t)number(arguments[0], 0, 10e9);
  double loss = number(arguments[1], 0, 100) / 100;
  one->loses_all = loss >= 1;
  one->loss_threshold = one->loses_all ? UINT64_MAX : (uint64_t)ldexp(loss, 64);
  double rate = number(arguments[2], 1e3, 10e9);
  one->ns_per_byte = 8e9 / rate;
  one->queue_bytes = (uint64_t)number(arguments[3], MAX_PACKET_BYTES, 1e9);
  one->random_state = (uint64_t)number(arguments[4], 0, 9e15);
  double most_bytes = (double)one->queue_bytes + rate / 8e9 * (double)(one->delay_ns + SECOND_NS / 100);
  double most_slots = most_bytes / MIN_PACKET_BYTES;
  one->ring_bytes = (size_t)(most_bytes + most_slots * (sizeof(slot) + 8) + (1 << 20)) & ~(size_t)7;
  one->ring = mmap(NULL, one->ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (one->ring == MAP_FAILED) {
    die("no memory for", one->name);
  }
}

/* Where a slot at `offset` really is: one that might not fit before the end of the ring is at its begin. */
static size_t placed(const direction *one, size_t offset)
{
  return one->ring_bytes - offset < sizeof(slot) + MAX_PACKET_BYTES ? 0 : offset;
}

static size_t behind(size_t offset, uint64_t bytes)
{
  return offset + sizeof(slot) + ((bytes + 7) & ~(size_t)7);
}

/* How far the packets in flight may fill the ring is bounded by `set_up`; this only makes sure of it. */
static bool has_room(const direction *one, size_t head)
{
  size_t used = head >= one->tail ? head - one->tail : one->ring_bytes - one->tail + head;
  return one->in_flight == 0 || used + 2 * (sizeof(slot) + MAX_PACKET_BYTES) < one->ring_bytes;
}

/* What hosts say to all their neighbours, such as which groups they listen to, goes no further than a router and does not count. */
static bool is_multicast(const uint8_t *packet, uint64_t bytes)
{
  return bytes >= 40 && packet[0] >> 4 == 6 ? packet[24] == 0xff : bytes >= 20 && packet[16] >> 4 == 14;
}

/* Decides what becomes of one packet. Returns where it is to be put, NULL when it will never arrive. */
static slot *admit(direction *one, uint64_t bytes)
{
  uint64_t now = now_ns();
  size_t at = placed(one, one->head);
  one->packets++;
  one->bytes += bytes;
  /* Thrown for every packet, so that the seed alone decides which ones are lost. */
  bool is_lost = random64(&one->random_state) < one->loss_threshold || one->loses_all;
  uint64_t wait_ns = one->line_free_ns > now ? one->line_free_ns - now : 0;
  if ((double)wait_ns / one->ns_per_byte + (double)bytes > (double)one->queue_bytes || !has_room(one, at)) {
    one->dropped++;
    return NULL;
  }
  one->line_free_ns = now + wait_ns + (uint64_t)((double)bytes * one->ns_per_byte);
  if (is_lost) {
    one->lost++;
    return NULL;
  }
  one->queue_delay_sum_ns += wait_ns;
  one->queue_delay_max_ns = wait_ns > one->queue_delay_max_ns ? wait_ns : one->queue_delay_max_ns;
  slot *taken = (slot *)(one->ring + at);
  *taken = (slot){.due_ns = one->line_free_ns + one->delay_ns, .bytes = (uint32_t)bytes};
  one->head = behind(at, bytes);
  one->in_flight++;
  return taken;
}

static void admit_segments(direction *one, const struct virtio_net_hdr *vnet, const uint8_t *packet, size_t bytes)
{
  size_t header_bytes = vnet->csum_start + 4u * (packet[vnet->csum_start + 12] >> 4);
  if (header_bytes > MAX_HEADER_BYTES || header_bytes >= bytes || vnet->gso_size + header_bytes > MAX_PACKET_BYTES) {
    one->refused++;
    return;
  }
  one->gso_packets += one->gso_packets == UINT32_MAX ? 2 : 1;
  uint16_t index = 0;
  for (size_t offset = header_bytes; offset < bytes; offset += vnet->gso_size, index++) {
    size_t left = bytes - offset, payload = left < vnet->gso_size ? left : vnet->gso_size;
    slot *segment = admit(one, header_bytes + payload);
    if (segment == NULL) {
      continue;
    }
    segment->gso_packet = one->gso_packets;
    segment->index = index;
    segment->header_bytes = (uint16_t)header_bytes;
    segment->is_last = payload == left;
    segment->vnet = *vnet;
    memcpy(segment + 1, packet, header_bytes);
    memcpy((uint8_t *)(segment + 1) + header_bytes, packet + offset, payload);
  }
}

/* Takes what the device has, about a batch. Returns how many. */
static unsigned take(direction *one)
{
  static struct {
    struct virtio_net_hdr vnet;
    uint8_t packet[MAX_SUPER_PACKET_BYTES];
  } __attribute__((packed)) frame;
  uint64_t before = one->packets;
  while (one->packets - before < BATCH) {
    ssize_t length = read(one->from, &frame, sizeof(frame));
    if (length < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        die("cannot read, direction", one->name);
      }
      break;
    }
    size_t bytes = (size_t)length - sizeof(frame.vnet);
    struct virtio_net_hdr vnet = frame.vnet;
    if (is_multicast(frame.packet, bytes)) {
      continue;
    }
    if (vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
      admit_segments(one, &vnet, frame.packet, bytes);
      continue;
    }
    slot *whole = bytes > MAX_PACKET_BYTES ? NULL : admit(one, bytes);
    if (whole != NULL) {
      whole->vnet = vnet;
      memcpy(whole + 1, frame.packet, bytes);
    }
  }
  return (unsigned)(one->packets - before);
}

static void put16(uint8_t *at, uint32_t value)
{
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
  return (uint32_t)at[0] << 8 | at[1];
}

/* RFC 1071, before the complement */
static uint32_t sum16(const uint8_t *bytes, size_t count, uint32_t sum)
{
  for (size_t at = 0; at < count; at += 2) {
    sum += get16(bytes + at);
  }
  while (sum >> 16 != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

/* Makes the headers of a GSO packet those of a run of its segments, which begins with `first` and is `bytes` long with them. */
static void fit_headers(uint8_t *headers, const slot *first, bool has_last, size_t bytes)
{
  bool is_ipv6 = headers[0] >> 4 == 6;
  size_t tcp_at = first->vnet.csum_start;
  uint8_t *tcp = headers + tcp_at;
  uint32_t sequence = (get16(tcp + 4) << 16 | get16(tcp + 6)) + (uint32_t)first->index * first->vnet.gso_size;
  put16(tcp + 4, sequence >> 16);
  put16(tcp + 6, sequence);
  tcp[13] &= (uint8_t)~((has_last ? 0 : TCP_FIN_PSH) | (first->index == 0 ? 0 : TCP_CWR));
  if (is_ipv6) {
    put16(headers + 4, (uint32_t)(bytes - 40));
  } else {
    put16(headers + 2, (uint32_t)bytes);
    put16(headers + 4, get16(headers + 4) + first->index);
    put16(headers + 10, 0);
    put16(headers + 10, ~sum16(headers, 4u * (headers[0] & 15), 0));
  }
  /* The receiving kernel completes it, or knows that it need not. */
  uint32_t protocol_and_length = IPPROTO_TCP + (uint32_t)(bytes - tcp_at);
  put16(tcp + TCP_CHECKSUM_AT, sum16(headers + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, protocol_and_length));
}

/* The number of packets from `first` on that leave as one: due segments of one GSO packet in sequence. Puts their payload into `pieces`. */
static unsigned find_run(const direction *one, const slot *first, uint64_t now, struct iovec *pieces)
{
  const slot *segment = first;
  size_t offset = one->tail, bytes = first->header_bytes;
  for (unsigned count = 0;; count++) {
    size_t payload = segment->bytes - segment->header_bytes;
    pieces[count] = (struct iovec){(uint8_t *)(uintptr_t)(segment + 1) + segment->header_bytes, payload};
    bytes += payload;
    offset = behind(placed(one, offset), segment->bytes);
    const slot *next = (const slot *)(one->ring + placed(one, offset));
    if (count + 1 == one->in_flight || count + 1 == MAX_RUN || first->gso_packet == 0 || next->due_ns > now ||
        next->gso_packet != first->gso_packet || next->index != segment->index + 1 ||
        bytes + next->bytes > MAX_SUPER_PACKET_BYTES) {
      return count + 1;
    }
    segment = next;
  }
}

static bool write_run(const direction *one, const slot *first, const slot *last, unsigned count, struct iovec *frame)
{
  uint8_t headers[MAX_HEADER_BYTES];
  struct virtio_net_hdr vnet = first->vnet;
  size_t bytes = first->header_bytes;
  for (unsigned piece = 0; piece < count; piece++) {
    bytes += frame[2 + piece].iov_len;
  }
  if (first->gso_packet != 0) {
    memcpy(headers, first + 1, first->header_bytes);
    fit_headers(headers, first, last->is_last, bytes);
    vnet.hdr_len = first->header_bytes;
    if (count == 1) {
      vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
      vnet.gso_size = 0;
    }
  }
  frame[0] = (struct iovec){&vnet, sizeof(vnet)};
  frame[1] = (struct iovec){headers, first->header_bytes};
  return writev(one->to, frame, (int)(2 + count)) == (ssize_t)(sizeof(vnet) + bytes);
}

/* Delivers what is due, at most a batch and never early. Returns how many. */
static unsigned deliver(direction *one)
{
  uint64_t now = now_ns();
  unsigned done = 0;
  while (done < BATCH && one->in_flight > 0) {
    const slot *first = (const slot *)(one->ring + placed(one, one->tail)), *last = first;
    if (first->due_ns > now) {
      break;
    }
    struct iovec frame[2 + MAX_RUN];
    unsigned count = find_run(one, first, now, frame + 2);
    size_t end = one->tail;
    uint64_t bytes = 0;
    for (unsigned index = 0; index < count; index++) {
      last = (const slot *)(one->ring + placed(one, end));
      uint64_t late_ns = now - last->due_ns;
      one->late_sum_ns += late_ns;
      one->late_max_ns = late_ns > one->late_max_ns ? late_ns : one->late_max_ns;
      bytes += last->bytes;
      end = behind(placed(one, end), last->bytes);
    }
    if (write_run(one, first, last, count, frame)) {
      one->delivered += count;
      one->delivered_bytes += bytes;
    } else {
      one->refused += count;
    }
    one->tail = end;
    one->in_flight -= count;
    done += count;
  }
  return done;
}

static void print_statistics(const direction *directions)
{
  for (int index = 0; index < 2; index++) {
    const direction *one = &directions[index];
    printf("%s\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"dropped\":%" PRIu64
           ",\"refused\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"deliveredBytes\":%" PRIu64 ",\"inFlight\":%" PRIu64
           ",\"queueDelaySumNs\":%" PRIu64 ",\"queueDelayMaxNs\":%" PRIu64 ",\"lateSumNs\":%" PRIu64 ",\"lateMaxNs\":%" PRIu64 "}",
           index == 0 ? "{" : ",", one->name, one->packets, one->bytes, one->lost, one->dropped, one->refused, one->delivered,
           one->delivered_bytes, one->in_flight, one->queue_delay_sum_ns, one->queue_delay_max_ns, one->late_sum_ns,
           one->late_max_ns);
  }
  printf("}\n");
  fflush(stdout);
}

/* A line does not wait for a processor: before everything else, where we may. Otherwise what it does is only less exact. */
static void hurry(void)
{
  struct sched_param first = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &first) < 0) {
    (void)setpriority(PRIO_PROCESS, 0, -20);
  }
  (void)prctl(PR_SET_TIMERSLACK, 1);
}

static int watch_signal(void)
{
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  return signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Sleeps until a packet comes, one is due or statistics are wanted. */
static void wait_for_work(const direction *directions, int signals)
{
  uint64_t due_ns = UINT64_MAX, now = now_ns();
  for (int index = 0; index < 2; index++) {
    const slot *first = (const slot *)(directions[index].ring + placed(&directions[index], directions[index].tail));
    if (directions[index].in_flight > 0 && first->due_ns < due_ns) {
      due_ns = first->due_ns;
    }
  }
  struct timespec timeout = timespec_of(due_ns > now ? due_ns - now : 0);
  struct pollfd polled[] = {
    {.fd = directions[0].from, .events = POLLIN},
    {.fd = directions[1].from, .events = POLLIN},
    {.fd = signals, .events = POLLIN},
  };
  (void)ppoll(polled, 3, due_ns == UINT64_MAX ? NULL : &timeout, NULL);
}

int main(int count, char **arguments)
{
  if (count != 5 + 2 * ARGUMENTS_PER_DIRECTION) {
    fprintf(stderr, "wan-link: %d arguments, expected %d\n", count - 1, 4 + 2 * ARGUMENTS_PER_DIRECTION);
    return 2;
  }
  direction directions[2] = {{.name = "fromFirst"}, {.name = "fromSecond"}};
  set_up(&directions[0], arguments + 5);
  set_up(&directions[1], arguments + 5 + ARGUMENTS_PER_DIRECTION);
  int first = open_tun(arguments[1], arguments[2]);
  int second = open_tun(arguments[3], arguments[4]);
  directions[0].from = directions[1].to = first;
  directions[1].from = directions[0].to = second;
  int signals = watch_signal();
  hurry();
  puts("up");
  fflush(stdout);
  for (;;) {
    uint64_t begin = now_ns();
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
      print_statistics(directions);
    }
    unsigned done = take(&directions[0]) + take(&directions[1]) + deliver(&directions[0]) + deliver(&directions[1]);
    if (done == 0) {
      wait_for_work(directions, signals);
    } else if (done < BATCH) {
      struct timespec until = timespec_of(begin + TICK_NS);
      (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
  }
}
