/*
 * Batches in and out. A write is planned before it is done: every piece is checked and turned into an address of its
 * own, so that bad bounds write nothing and memory shared with another thread can't change what was checked.
 */
#include "tun.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_frame(int fd, uint8_t *target)
{
  ssize_t length = 0;
  do {
    length = read(fd, target, TUN_MAX_FRAME_BYTES);
  } while (length < 0 && errno == EINTR);
  return length;
}

/* Returns how many frames were read, or -errno when the first one failed; a later failure shows up in the next call. */
static int64_t read_frames(int fd, uint8_t *target, size_t target_bytes, size_t headroom, uint32_t *lengths, size_t room)
{
  size_t count = 0;
  size_t used = 0;
  while (count < room && target_bytes - used >= headroom + TUN_MAX_FRAME_BYTES) {
    ssize_t length = read_frame(fd, target + used + headroom);
    if (length <= 0) {
      bool is_empty = length == 0 || errno == EAGAIN;
      return is_empty || count > 0 ? (int64_t)count : -(int64_t)errno;
    }
    lengths[count++] = (uint32_t)length;
    used += headroom + (size_t)length;
  }
  return (int64_t)count;
}

/* readBatch(target, headroomBytes, lengths) → count */
napi_value tun_read_batch(napi_env env, napi_callback_info info)
{
  napi_value arguments[3];
  void *target = NULL;
  void *lengths = NULL;
  size_t target_bytes = 0;
  size_t room = 0;
  uint32_t headroom = 0;
  tun_queue *queue = tun_queue_arguments(env, info, 3, arguments, NULL);
  if (queue == NULL ||
      !get_typed_array(env, arguments[0], napi_uint8_array, "target is not a Uint8Array", &target, &target_bytes) ||
      !get_uint32(env, arguments[1], &headroom) ||
      !get_typed_array(env, arguments[2], napi_uint32_array, "lengths is not a Uint32Array", &lengths, &room) ||
      !tun_queue_is_open(env, queue, "read")) {
    return NULL;
  }
  /* The order of the two comparisons keeps a 32-bit size_t from wrapping. */
  if (room == 0 || target_bytes < TUN_MAX_FRAME_BYTES || headroom > target_bytes - TUN_MAX_FRAME_BYTES) {
    NAPI_TRY(env, napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "target or lengths has no room for one frame"), NULL);
    return NULL;
  }
  int64_t count = read_frames(queue->fd, target, target_bytes, headroom, lengths, room);
  return count < 0 ? throw_errno(env, (int)-count, "read", queue->name) : make_number(env, (double)count);
}

void tun_scratch_free(tun_scratch *scratch)
{
  free(scratch->chunks);
  free(scratch->pieces);
  free(scratch->frames);
  free(scratch->flat);
  memset(scratch, 0, sizeof(*scratch));
}

/* An array of at least `needed` items in place of `array`, whose contents are not kept; NULL when memory is out. */
static void *reserve(void *array, size_t *capacity, size_t needed, size_t item_bytes)
{
  if (array != NULL && needed <= *capacity) {
    return array;
  }
  void *grown = calloc(needed + 1, item_bytes);
  if (grown != NULL) {
    free(array);
    *capacity = needed;
  }
  return grown;
}

static bool load_chunks(napi_env env, tun_scratch *scratch, napi_value array, uint32_t *count)
{
  NAPI_TRY(env, napi_get_array_length(env, array, count), false);
  struct iovec *chunks = reserve(scratch->chunks, &scratch->chunk_capacity, *count, sizeof(struct iovec));
  if (chunks == NULL) {
    (void)throw_errno(env, ENOMEM, "write", NULL);
    return false;
  }
  scratch->chunks = chunks;
  for (uint32_t index = 0; index < *count; index++) {
    napi_value chunk = NULL;
    struct iovec *loaded = &chunks[index];
    NAPI_TRY(env, napi_get_element(env, array, index, &chunk), false);
    if (!get_typed_array(env, chunk, napi_uint8_array, "a chunk is not a Uint8Array", &loaded->iov_base,
                         &loaded->iov_len)) {
      return false;
    }
  }
  return true;
}

/* What the words of `pieces` are read from; `next` never passes `length`. */
typedef struct {
  const uint32_t *words;
  size_t length;
  size_t next;
} word_reader;

static bool next_words(word_reader *reader, size_t count, uint32_t *words)
{
  if (reader->length - reader->next < count) {
    return false;
  }
  memcpy(words, reader->words + reader->next, count * sizeof(*words));
  reader->next += count;
  return true;
}

static bool plan_piece(const tun_scratch *scratch, uint32_t chunk_count, const uint32_t words[3], struct iovec *piece)
{
  uint32_t chunk = words[0];
  uint32_t offset = words[1];
  uint32_t length = words[2];
  if (chunk >= chunk_count || offset > scratch->chunks[chunk].iov_len ||
      length > scratch->chunks[chunk].iov_len - offset) {
    return false;
  }
  piece->iov_base = (uint8_t *)scratch->chunks[chunk].iov_base + offset;
  piece->iov_len = length;
  return true;
}

/* Fills scratch->frames and scratch->pieces; false when a piece lies outside its chunk or the words run out. */
static bool plan_frames(tun_scratch *scratch, uint32_t chunk_count, word_reader *reader, uint32_t frame_count)
{
  size_t planned = 0;
  for (uint32_t index = 0; index < frame_count; index++) {
    uint32_t piece_count = 0;
    if (!next_words(reader, 1, &piece_count)) {
      return false;
    }
    tun_frame *frame = &scratch->frames[index];
    *frame = (tun_frame){.first = planned, .count = piece_count, .bytes = 0};
    for (uint32_t piece = 0; piece < piece_count; piece++, planned++) {
      uint32_t words[3];
      if (!next_words(reader, 3, words) || !plan_piece(scratch, chunk_count, words, &scratch->pieces[planned])) {
        return false;
      }
      frame->bytes += words[2];
    }
  }
  return true;
}

/* The kernel takes IOV_MAX pieces; a peer that sends a frame byte by byte makes more, which are copied together. */
static bool flatten(tun_scratch *scratch, const tun_frame *frame, struct iovec *flat)
{
  if (scratch->flat == NULL) {
    scratch->flat = malloc(TUN_MAX_FRAME_BYTES);
  }
  if (scratch->flat == NULL) {
    return false;
  }
  size_t used = 0;
  for (size_t index = 0; index < frame->count; index++) {
    const struct iovec *piece = &scratch->pieces[frame->first + index];
    if (piece->iov_len > 0) {
      memcpy(scratch->flat + used, piece->iov_base, piece->iov_len);
      used += piece->iov_len;
    }
  }
  *flat = (struct iovec){.iov_base = scratch->flat, .iov_len = used};
  return true;
}

/* Returns 0 or the errno. Nothing at all would return 0 from writev without reaching the driver. */
static int write_frame(tun_queue *queue, const tun_frame *frame)
{
  if (frame->bytes == 0 || frame->bytes > TUN_MAX_FRAME_BYTES) {
    return frame->bytes == 0 ? EINVAL : EMSGSIZE;
  }
  const struct iovec *pieces = &queue->scratch.pieces[frame->first];
  size_t count = frame->count;
  struct iovec flat;
  if (count > IOV_MAX) {
    if (!flatten(&queue->scratch, frame, &flat)) {
      return ENOMEM;
    }
    pieces = &flat;
    count = 1;
  }
  ssize_t written = 0;
  do {
    // Most small packets lie in one piece, and write spares the kernel the import of a vector.
    written = count == 1 ? write(queue->fd, pieces->iov_base, pieces->iov_len)
                         : writev(queue->fd, pieces, (int)count);
  } while (written < 0 && errno == EINTR);
  return written < 0 ? errno : 0;
}

static uint32_t write_frames(tun_queue *queue, uint32_t frame_count, int32_t *errnos)
{
  uint32_t refused = 0;
  for (uint32_t index = 0; index < frame_count; index++) {
    errnos[index] = write_frame(queue, &queue->scratch.frames[index]);
    refused += errnos[index] != 0;
  }
  return refused;
}

/* Each frame takes a word and each piece three, so the number of words bounds both arrays. */
static bool reserve_plan(tun_scratch *scratch, size_t words, uint32_t frame_count)
{
  tun_frame *frames = reserve(scratch->frames, &scratch->frame_capacity, frame_count, sizeof(tun_frame));
  if (frames == NULL) {
    return false;
  }
  scratch->frames = frames;
  struct iovec *pieces = reserve(scratch->pieces, &scratch->piece_capacity, words / 3, sizeof(struct iovec));
  if (pieces == NULL) {
    return false;
  }
  scratch->pieces = pieces;
  return true;
}

/* writeBatch(chunks, pieces, frameCount, errnos) → refused */
napi_value tun_write_batch(napi_env env, napi_callback_info info)
{
  napi_value arguments[4];
  void *words = NULL;
  void *errnos = NULL;
  size_t word_count = 0;
  size_t errno_room = 0;
  uint32_t frame_count = 0;
  uint32_t chunk_count = 0;
  tun_queue *queue = tun_queue_arguments(env, info, 4, arguments, NULL);
  if (queue == NULL || !load_chunks(env, &queue->scratch, arguments[0], &chunk_count) ||
      !get_typed_array(env, arguments[1], napi_uint32_array, "pieces is not a Uint32Array", &words, &word_count) ||
      !get_uint32(env, arguments[2], &frame_count) ||
      !get_typed_array(env, arguments[3], napi_int32_array, "errnos is not an Int32Array", &errnos, &errno_room) ||
      !tun_queue_is_open(env, queue, "write")) {
    return NULL;
  }
  if (frame_count > errno_room || frame_count > word_count) {
    NAPI_TRY(env, napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "errnos or pieces is too short"), NULL);
    return NULL;
  }
  if (!reserve_plan(&queue->scratch, word_count, frame_count)) {
    return throw_errno(env, ENOMEM, "write", queue->name);
  }
  word_reader reader = {.words = words, .length = word_count, .next = 0};
  if (!plan_frames(&queue->scratch, chunk_count, &reader, frame_count)) {
    NAPI_TRY(env, napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "a piece lies outside its chunk"), NULL);
    return NULL;
  }
  return make_number(env, write_frames(queue, frame_count, errnos));
}
