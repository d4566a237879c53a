// The memory that every program of an interpreter writes to, or runs from, comes to a forked one
// page by page, by a fault each. Which pages these are shows a rehearsal: a child of the template's
// own runs a program of the runtime's (never one of a user's) to its end, and notes what it has
// touched. What was written is made in each run in a few calls, before its program is there. What
// was only read, code for the most part, comes along with the fork.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/warm/library.h"

namespace sandpit::warm {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMostRanges = 1024;
constexpr unsigned kLongestRehearsal = 20;  // seconds
// Populating is of no use for what is as large as this, and reading about it takes long.
constexpr std::size_t kLargestArea = std::size_t{256} << 20U;

struct Range {
  std::uintptr_t area = 0;  // where the mapping begins
  std::uintptr_t at = 0;
  std::uint32_t pages = 0;
  bool written = false;
};
struct Ranges {
  std::size_t count = 0;
  Range items[kMostRanges];
};
constinit Ranges hot;     // the template's, and with it every run's
Ranges* noted = nullptr;  // in the rehearsal: shared with the template

// Bits of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst).
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63U;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61U;
constexpr std::uint64_t kExclusive = std::uint64_t{1} << 56U;

void note(std::uintptr_t area, std::uintptr_t page, bool written) {
  // One page between two of a kind costs less than another call.
  if (noted->count > 0) {
    Range& last = noted->items[noted->count - 1];
    const std::uintptr_t end = last.at + last.pages * kPage;
    if (last.area == area && last.written == written && page >= end && page - end <= kPage) {
      last.pages += static_cast<std::uint32_t>((page - end) / kPage) + 1;
      return;
    }
  }
  if (noted->count == kMostRanges) return;
  noted->items[noted->count++] = {.area = area, .at = page, .pages = 1, .written = written};
}

// One line of /proc/self/maps: "FIRST-END rwxp OFFSET DEVICE INODE NAME".
void note_area(const char* line, int pagemap) {
  char* at = nullptr;
  const std::uintptr_t first = std::strtoul(line, &at, 16);
  if (*at != '-') return;
  const std::uintptr_t end = std::strtoul(at + 1, &at, 16);
  const char* const rights = at + 1;
  const bool is_private = rights[3] == 'p';
  const bool writable = rights[1] == 'w';
  if (!is_private || rights[0] != 'r' || end - first > kLargestArea) return;
  constexpr std::size_t kEntries = 512;
  std::uint64_t entries[kEntries];
  for (std::uintptr_t page = first; page < end; page += kEntries * kPage) {
    const std::size_t left = (end - page) / kPage;
    const std::size_t size = (left < kEntries ? left : kEntries) * sizeof entries[0];
    const auto offset = static_cast<off_t>(page / kPage * sizeof entries[0]);
    if (::pread(pagemap, entries, size, offset) != static_cast<ssize_t>(size)) return;
    for (std::size_t i = 0; i < size / sizeof entries[0]; ++i) {
      const std::uint64_t entry = entries[i];
      if ((entry & kPresent) == 0) continue;
      const bool own = (entry & kOfFile) == 0 && (entry & kExclusive) != 0;
      // What is anonymous and not this process's own has come with the fork.
      if (own && writable) note(first, page + i * kPage, true);
      if (!own && !writable && (entry & kOfFile) != 0) note(first, page + i * kPage, false);
    }
  }
}

// The end of the rehearsal, when nothing of its program is left.
__attribute__((destructor)) void note_memory() {
  if (noted == nullptr) return;
  const int maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (maps < 0 || pagemap < 0) return;
  char text[8192];
  std::size_t held = 0;
  for (;;) {
    const ssize_t n = ::read(maps, text + held, sizeof text - 1 - held);
    if (n <= 0) break;
    held += static_cast<std::size_t>(n);
    text[held] = '\0';
    char* line = text;
    while (char* const end = ::strchr(line, '\n')) {
      *end = '\0';
      note_area(line, pagemap);
      line = end + 1;
    }
    held -= static_cast<std::size_t>(line - text);
    ::memmove(text, line, held);
    if (held == sizeof text - 1) break;
  }
}

// Output goes nowhere, but to a pipe, as a run's does.
void take_rehearsal_stdio() {
  int ends[2];
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || ::pipe2(ends, O_CLOEXEC) < 0) ::_exit(1);
  (void)::dup2(nothing, 0);
  (void)::dup2(ends[1], 1);
  (void)::dup2(ends[1], 2);
}

void populate(const Range& range) {
  constexpr int kPopulateRead = 22;  // MADV_POPULATE_*, since Linux 5.14
  constexpr int kPopulateWrite = 23;
  // What fails (memory that the template does not have) is left to the program.
  (void)::syscall(SYS_madvise, range.at, range.pages * kPage,
                  range.written ? kPopulateWrite : kPopulateRead);
}

// A fork copies the page table of a private mapping of a file only where the mapping has a page of
// its own (vma_needs_copy() in mm/memory.c): it gets one, with what was there before.
void bring_along(const Range& range, int memory) {
  char byte = 0;
  const auto at = static_cast<off_t>(range.at);
  if (::pread(memory, &byte, 1, at) == 1) (void)::pwrite(memory, &byte, 1, at);
}

// Keeps what was written; what was read is made present in the template, and comes along.
void take(const Ranges& found) {
  const int memory = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  std::uintptr_t area = 0;
  for (std::size_t i = 0; i < found.count && i < kMostRanges; ++i) {
    const Range& range = found.items[i];
    if (range.written) {
      hot.items[hot.count++] = range;
      continue;
    }
    if (range.area != area && memory >= 0) bring_along(range, memory);
    area = range.area;
    populate(range);
  }
  if (memory >= 0) ::close(memory);
}

}  // namespace

bool rehearse(const char* program) {
  void* const room =
      ::mmap(nullptr, sizeof(Ranges), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return false;
  const ThreadRegistration registration = registration_of_this_thread();
  const pid_t child = fork_whole(registration);
  if (child == 0) {
    register_this_thread(registration);
    (void)::alarm(kLongestRehearsal);
    take_rehearsal_stdio();
    if (!renew_descriptors()) ::_exit(1);
    noted = static_cast<Ranges*>(room);
    return true;
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  take(*static_cast<const Ranges*>(room));
  ::munmap(room, sizeof(Ranges));
  (void)::unlink(program);
  return false;
}

void touch_memory() {
  for (std::size_t i = 0; i < hot.count; ++i) populate(hot.items[i]);
}

}  // namespace sandpit::warm
