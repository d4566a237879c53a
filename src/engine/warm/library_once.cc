// A process that serves one run: it waits behind that run's own walls, for what the run brings.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "engine/jail/child.h"
#include "engine/jail/child_launch.h"
#include "engine/warm/library.h"
#include "engine/warm/run_image.h"

namespace sandpit::warm {
namespace {

using jail::Launch;
using jail::LaunchStep;

// A message that begins a run, or the end of this process.
std::size_t next_image(int control, char* block, std::size_t room, int* descriptors,
                       std::size_t& count) {
  for (;;) {
    // No send: what a run's filter says of it is another matter.
    if (::write(control, &kHere, 1) != 1) ::_exit(0);
    const ssize_t size = jail::receive(control, {.iov_base = block, .iov_len = room}, descriptors,
                                       kMostDescriptors, count);
    if (size <= 0) ::_exit(0);  // nobody asks any more
    if (size != 1 || block[0] != kAsked) return static_cast<std::size_t>(size);
    for (std::size_t i = 0; i < count; ++i) ::close(descriptors[i]);
  }
}

// To what a cold run has; but what was used by now is not the run's, beyond what the limit has to
// spare. Where the filter forbids it the limit stays as high as it is: it is only what is behind
// the group's own count.
void lower_cpu(std::uint64_t seconds) {
  timespec used{};
  constexpr long kToSpare = 700'000'000;
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0) return;
  if (used.tv_sec > 0 || used.tv_nsec > kToSpare) {
    seconds += static_cast<std::uint64_t>(used.tv_sec) + 1;
  }
  const rlimit limit{.rlim_cur = seconds, .rlim_max = seconds};
  (void)::syscall(SYS_prlimit64, 0, RLIMIT_CPU, &limit, nullptr);
}

}  // namespace

Started wait_once(int control, const char* work_dir, char* block, std::size_t room) {
  jail::ChildSpec spec;
  spec.socket = control;
  Launch launch(spec);
  int descriptors[kMostDescriptors];
  std::size_t count = 0;
  const std::size_t size = next_image(control, block, room, descriptors, count);
  launch.begin(LaunchStep::kWaitForGo);
  if (!relocate_start(block, size, descriptors, count)) launch.fail(EPROTO);
  // NOLINTNEXTLINE(*-reinterpret-cast): relocate_start() has checked it
  const StartImage& start = *reinterpret_cast<const StartImage*>(block);
  const mode_t mask = ::umask(0);
  jail::copy_inputs(launch, start.inputs, AT_FDCWD, work_dir);
  ::umask(mask);
  for (const jail::ChildInput& input : start.inputs) {
    if (input.descriptor >= 0) ::close(input.descriptor);
  }
  if (start.cpu_seconds != 0) lower_cpu(start.cpu_seconds);
  launch.begin(LaunchStep::kStdio);
  launch.need(::dup2(start.stdin_fd, STDIN_FILENO));
  ::close(start.stdin_fd);
  ::close(control);
  return {.words = {.bytes = start.record, .size = start.record_size}, .record = start.record_fd};
}

}  // namespace sandpit::warm
