// A WebAssembly worker that was taken over, for tests/wasm/hostile_worker_test.py: compiled once
// for each mode (-DMODE), statically, and used in the place of the real one through
// SANDPIT_WASM_WORKER. It speaks the protocol of src/engine/wasm/job.h by hand. Every mode ends by
// itself after ten seconds.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kReport = 4, kArtefact = 6, kSocket = 7, kMost = 4 };

static char in[300000];
static size_t in_size;
static int given[8], given_count;
static unsigned char out[100000];
static size_t n;

static void bytes(const void* from, size_t size) {
  memcpy(out + n, from, size);
  n += size;
}
static void u8(uint8_t v) { bytes(&v, sizeof v); }
static void u32(uint32_t v) { bytes(&v, sizeof v); }
static void u64(uint64_t v) { bytes(&v, sizeof v); }
static void text(const char* v) {
  u64(strlen(v));
  bytes(v, strlen(v));
}

// report.h; every text is `word`.
static void report(int end, const char* word) {
  u8(end);
  u32(0);
  text(word);
  text(word);
  u64(0);
  u8(0);
  u64(0);
  u64(~0ull);
  u64(~0ull >> 1);
  u8(0);
  u8(0);
  text(word);
  for (int list = 0; list < 2; ++list) {
    u64(1);
    text(word);
  }
}

struct Claims {
  uint8_t in_memory;
  uint64_t stdout_size, stderr_size, serial_more;
};

static void answer(const char* said, struct Claims claims) {
  uint64_t serial;
  memcpy(&serial, in, sizeof serial);
  n = 0;
  u64(serial + claims.serial_more);
  u8(0);
  const size_t at = n;
  u64(0);
  report(0, "hostile");
  const uint64_t length = n - at - sizeof length;
  memcpy(out + at, &length, sizeof length);
  u8(claims.in_memory);
  text(said);
  text("");
  u64(claims.stdout_size);
  u64(claims.stderr_size);
  for (int zero = 0; zero < 4; ++zero) u64(0);
}

static ssize_t send_with(int flags, const int* files, int count) {
  struct iovec part = {out, n};
  char control[CMSG_SPACE(sizeof(int) * kMost)] = {0};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(rights), files, sizeof(int) * count);
  }
  return sendmsg(kSocket, &header, MSG_NOSIGNAL | flags);
}

static void say(const char* said) {
  answer(said, (struct Claims){.stdout_size = strlen(said)});
  send_with(0, NULL, 0);
}

static int next_request(void) {
  struct iovec part = {in, sizeof in};
  char control[CMSG_SPACE(sizeof given)];
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  for (int i = 0; i < given_count; ++i) close(given[i]);
  given_count = 0;
  const ssize_t size = recvmsg(kSocket, &header, 0);
  if (size <= 0) return 0;
  in_size = (size_t)size;
  for (struct cmsghdr* m = CMSG_FIRSTHDR(&header); m != NULL; m = CMSG_NXTHDR(&header, m)) {
    given_count = (int)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(given, CMSG_DATA(m), sizeof(int) * given_count);
  }
  return 1;
}

static void* spin(void* nothing) {
  for (volatile long i = 0;; ++i) {
  }
  return nothing;
}

static void* end_in_time(void* nothing) {
  sleep(10);
  _exit(9);
  return nothing;
}

static void end_with_report(int end, const char* word) {
  n = 0;
  report(end, word);
  const uint32_t header[2] = {5, (uint32_t)n};
  pwrite(kReport, out, n, 64);
  pwrite(kReport, header, sizeof header, 0);
  _exit(0);
}

static void lie(int which) {
  static char much[30000];
  memset(much, 'x', sizeof much - 1);
  const int writable = memfd_create("unsealed", MFD_ALLOW_SEALING);
  const char word[] = "some output";
  switch (which) {
    case 0:  // no memory file beside it
      answer("", (struct Claims){.in_memory = 1, .stdout_size = 4});
      send_with(0, NULL, 0);
      return;
    case 1:  // one that can still change
      ftruncate(writable, 4096);
      answer("", (struct Claims){.in_memory = 1, .stdout_size = 4});
      send_with(0, &writable, 1);
      return;
    case 2:  // sealed, and smaller than it says
      write(writable, word, sizeof word);
      fcntl(writable, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
      answer("", (struct Claims){.in_memory = 1, .stdout_size = 8192});
      send_with(0, &writable, 1);
      return;
    case 3:  // the sum of the sizes wraps around
      answer("", (struct Claims){.in_memory = 1, .stdout_size = ~0ull, .stderr_size = 2});
      send_with(0, &writable, 1);
      return;
    case 4:  // more than the output limit
      answer(much, (struct Claims){.stdout_size = sizeof much - 1});
      send_with(0, NULL, 0);
      return;
    case 5:  // the answer to another request
      answer("", (struct Claims){.serial_more = 1});
      send_with(0, NULL, 0);
      return;
    case 6:  // cut off
      answer("", (struct Claims){0});
      n -= 3;
      send_with(0, NULL, 0);
      return;
    default:  // lengths from nowhere
      n = 0;
      for (int i = 0; i < 1000; ++i) u64(~0ull - i);
      send_with(0, NULL, 0);
      return;
  }
}

int main(void) {
  pthread_t timer;
  pthread_create(&timer, NULL, end_in_time, NULL);
#if defined(POISON)  // seals what it likes whenever it is given something to write to
  static char poison[4096];
  while (next_request()) {
    if (given_count == 2 && write(given[1], poison, sizeof poison) == sizeof poison)
      fcntl(given[1], F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    say(given_count == 2 ? "two" : "one");
  }
#elif defined(DOUBLE)  // two answers to each request: what stands between < and > in it
  while (next_request()) {
    char* from = memchr(in, '<', in_size);
    char* to = from ? memchr(from, '>', in_size - (from - in)) : NULL;
    if (to == NULL) break;
    *to = 0;
    say(from + 1);
    send_with(0, NULL, 0);
  }
#elif defined(NOREAD)  // fills the socket and never reads
  answer("unasked", (struct Claims){.stdout_size = 7});
  while (send_with(0, NULL, 0) >= 0) {
  }
#elif defined(DEAF)
  pause();
#elif defined(LEAK)      // more descriptors than an answer has
  const int files[2] = {memfd_create("one", 0), memfd_create("two", 0)};
  while (next_request()) {
    answer("", (struct Claims){0});
    send_with(0, files, 2);
  }
#elif defined(SPIN)      // works on after its answer
  while (next_request()) {
    say("answered");
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, spin, NULL);
  }
#elif defined(LIES)      // the run's argument says which
  while (next_request()) {
    const char* mark = memchr(in, '<', in_size);
    lie(mark != NULL ? mark[1] - '0' : 9);
  }
#elif defined(STORE)     // an artefact of so many bytes, none of which exists
  if (ftruncate(kArtefact, STORE) < 0) _exit(10);
  fcntl(kArtefact, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  end_with_report(0, "");
#elif defined(LETTERS)   // no UTF-8: half of a character, a surrogate, control characters
  write(1, "\xff", 1);
  end_with_report(1, "a\xff\xc3\xed\xa0\x80\x1b[31m");
#elif defined(BRACKETS)  // a description that is nested deeply
  for (int i = 0; i < 100000; ++i) write(1, "[", 1);
  end_with_report(0, "");
#else
#error "which mode?"
#endif
  return 0;
}
