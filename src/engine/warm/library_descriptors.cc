// Descriptors that an interpreter made for its own use before the fork: epoll instances, eventfds,
// pipes, files. A fork shares the open file behind them, so that a wake-up in one run would be seen
// in the others, and what one run does to its flags or position; each program gets new ones under
// the same numbers instead.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/warm/library.h"

namespace sandpit::warm {
namespace {

constexpr std::size_t kMost = 64;

enum class Kind : int { kEpoll, kEvent, kPipe, kFile };
struct Own {
  int fd = -1;
  Kind kind = Kind::kEvent;
  int flags = 0;            // F_GETFL
  int close_on_exec = 0;    // F_GETFD
  std::uint64_t value = 0;  // the eventfd's counter, the pipe's inode
  int other = -1;           // of a pipe's read end: its write end
  char path[320] = {};      // of a file
};
struct Watch {
  int epoll = -1;
  int fd = -1;
  epoll_event event{};
};
constinit Own own[kMost];
constinit std::size_t own_count = 0;
constinit Watch watches[kMost];
constinit std::size_t watch_count = 0;
// The program, where the interpreter has opened it before it comes to its trigger.
constinit Own program_file;

// Calls `take` with each line of /proc/self/fdinfo/N.
template <class Take>
void each_line(int fd, const Take& take) {
  char path[64];
  ::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE* const file = ::fopen(path, "re");
  if (file == nullptr) return;
  char line[256];
  while (::fgets(line, sizeof line, file) != nullptr) take(line);
  ::fclose(file);
}

// False: what it is can't be renewed.
bool note(int fd, const char* program) {
  char path[64];
  char target[sizeof Own::path] = {};
  ::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (::readlink(path, target, sizeof target - 1) <= 0 || own_count >= kMost) return false;
  Own made{.fd = fd, .flags = ::fcntl(fd, F_GETFL), .close_on_exec = ::fcntl(fd, F_GETFD)};
  if (::strcmp(target, "anon_inode:[eventpoll]") == 0) {
    made.kind = Kind::kEpoll;
    each_line(fd, [&](const char* line) {
      Watch watch{.epoll = fd};
      unsigned events = 0;
      unsigned long long data = 0;
      if (::sscanf(line, "tfd: %d events: %x data: %llx", &watch.fd, &events, &data) != 3) return;
      watch.event.events = events;
      watch.event.data.u64 = data;
      if (watch_count < kMost) watches[watch_count++] = watch;
    });
  } else if (::strcmp(target, "anon_inode:[eventfd]") == 0) {
    each_line(fd, [&](const char* line) {
      unsigned long long value = 0;
      if (::sscanf(line, "eventfd-count: %llx", &value) == 1) made.value = value;
    });
  } else if (::strncmp(target, "pipe:[", 6) == 0) {
    made.kind = Kind::kPipe;
    made.value = std::strtoull(target + 6, nullptr, 10);
  } else if (target[0] == '/') {
    made.kind = Kind::kFile;
    made.value = static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_CUR));
    ::memcpy(made.path, target, sizeof target);
    if (program[0] != '\0' && ::strcmp(target, program) == 0) {
      program_file = made;
      return true;
    }
  } else {
    return false;
  }
  own[own_count++] = made;
  return true;
}

bool put(int made, const Own& as) {
  if (made < 0) return false;
  const int put = ::dup3(made, as.fd, (as.close_on_exec & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  ::close(made);
  return put >= 0;
}

// False with errno.
bool renew(const Own& item) {
  if (item.kind == Kind::kEpoll) return put(::epoll_create1(EPOLL_CLOEXEC), item);
  if (item.kind == Kind::kEvent) {
    const int flags = EFD_CLOEXEC | (item.flags & O_NONBLOCK);
    return put(::eventfd(static_cast<unsigned>(item.value), flags), item);
  }
  if (item.kind == Kind::kFile) {
    constexpr int kKept = O_ACCMODE | O_NONBLOCK | O_APPEND | O_DIRECTORY;
    const int made = ::open(item.path, (item.flags & kKept) | O_CLOEXEC);
    if (made < 0) return false;
    (void)::lseek(made, static_cast<off_t>(item.value), SEEK_SET);  // a device may have none
    return put(made, item);
  }
  if (item.other < 0) return true;  // a write end goes with its read end
  const Own& write_end = own[item.other];
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return false;
  (void)::fcntl(ends[0], F_SETFL, item.flags & O_NONBLOCK);
  (void)::fcntl(ends[1], F_SETFL, write_end.flags & O_NONBLOCK);
  // What is in it belongs to its state (libuv locks with a byte in a pipe); the template's copy
  // stays.
  (void)::tee(item.fd, ends[1], 65536, SPLICE_F_NONBLOCK);
  return put(ends[0], item) && put(ends[1], write_end);
}

}  // namespace

int note_descriptors(const int* except, std::size_t count, const char* program) {
  DIR* const descriptors = ::opendir("/proc/self/fd");
  if (descriptors == nullptr) return 0;
  int unknown = -1;
  while (const dirent* entry = ::readdir(descriptors)) {
    const int fd = static_cast<int>(std::strtol(entry->d_name, nullptr, 10));
    bool known = fd <= 2 || fd == ::dirfd(descriptors);
    for (std::size_t i = 0; i < count; ++i) known = known || fd == except[i];
    if (!known && !note(fd, program)) unknown = fd;
  }
  ::closedir(descriptors);
  // A pipe whose both ends are here is the interpreter's own.
  for (std::size_t i = 0; i < own_count; ++i) {
    const bool reads = (own[i].flags & O_ACCMODE) == O_RDONLY;
    for (std::size_t k = 0; own[i].kind == Kind::kPipe && reads && k < own_count; ++k) {
      const bool pair = own[k].kind == Kind::kPipe && own[k].value == own[i].value && k != i;
      if (pair && (own[k].flags & O_ACCMODE) == O_WRONLY) own[i].other = static_cast<int>(k);
    }
  }
  return unknown;
}

void renew_program() {
  if (program_file.fd >= 0) (void)renew(program_file);
}

bool renew_descriptors() {
  for (std::size_t i = 0; i < own_count; ++i) {
    if (!renew(own[i])) return false;
  }
  for (std::size_t i = 0; i < watch_count; ++i) {
    Watch& watch = watches[i];
    if (::epoll_ctl(watch.epoll, EPOLL_CTL_ADD, watch.fd, &watch.event) < 0) return false;
  }
  return true;
}

}  // namespace sandpit::warm
