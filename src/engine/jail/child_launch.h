// The parts of what runs between clone and execve, for child*.cc only: the launch in progress, and
// what each file does for the others. The same rules as in child.h hold: async-signal-safe, no
// allocation.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "engine/jail/child.h"

namespace sandpit::jail {

// The launch in progress: where to report, and which step is under way.
class Launch {
 public:
  explicit Launch(const ChildSpec& spec) : spec_(spec), socket_(spec.socket) {}

  void begin(LaunchStep step, int detail = 0) {
    step_ = step;
    detail_ = detail;
    if (spec_.fail_step == static_cast<int>(step)) fail(spec_.fail_errno);
  }
  void report(int errno_value) const {
    const ChildMessage message{
        .kind = MessageKind::kFailed, .step = step_, .errno_value = errno_value, .detail = detail_};
    // No send: what a run's filter says of it is another matter. Where nobody listens any more,
    // this process is over in either case.
    (void)!::write(socket_, &message, sizeof message);
  }
  [[noreturn]] void fail(int errno_value) const {
    report(errno_value);
    ::_exit(125);
  }
  // Reports go over a copy of the socket, out of the way of descriptors with fixed numbers.
  void report_over(int socket) { socket_ = socket; }
  [[noreturn]] void fail(const TreeFailure& failure) {
    step_ = failure.step;
    detail_ = failure.detail;
    fail(failure.errno_value);
  }
  // Passes the result of a system call on; a negative one ends the launch.
  long need(long result) {
    if (++calls_ == spec_.fail_call) fail(spec_.fail_errno);
    if (result < 0) fail(errno);
    return result;
  }

 private:
  const ChildSpec& spec_;
  int socket_;
  LaunchStep step_ = LaunchStep::kNone;
  int detail_ = 0;
  int calls_ = 0;  // that were needed
};

// child_mounts.cc: the mount tree, the run's private volume and its files. Leaves the process at
// the new root, and the host with the volume's descriptor.
// In two parts for a forked run, whose files are to be charged to its program: build_tree() gives
// the volume, copy_inputs() fills it.
void build_root(Launch& launch, const ChildSpec& spec);
[[nodiscard]] int build_tree(Launch& launch, const ChildSpec& spec);
// `path`: of the work directory, beneath the directory `volume`.
void copy_inputs(Launch& launch, ChildArray<ChildInput> inputs, int volume, const char* path);

// child_walls.cc. The ruleset opens the rules' paths: before RLIMIT_NOFILE may forbid it. -1 where
// there is no Landlock.
[[nodiscard]] int make_ruleset(Launch& launch, const ChildSpec& spec);
// All limits; or, where spec.files_last says so and raise_walls() is to come, all but that of
// files.
enum class Limits : bool { kAll, kBeforeWalls };
void lower_limits(Launch& launch, const ChildSpec& spec, Limits which = Limits::kAll);
// Of every set, but for spec.keep_capabilities, which execve hands on (ambient). No new privileges
// from here on.
void drop_capabilities(Launch& launch, const ChildSpec& spec);
// The first part of it, for those who go on with their capabilities for a while.
void drop_bounding_set(Launch& launch, const ChildSpec& spec);
// Landlock and seccomp, sends the filter's listener to the host, and lowers what is left of the
// limits; closes the ruleset.
void raise_walls(Launch& launch, const ChildSpec& spec, int ruleset);

// child_messages.cc. As sendmsg(2), with at most kMostInMessage descriptors beside the
// message. Waits a while where the user has too many in flight.
[[nodiscard]] ssize_t send_with_descriptors(int socket, const ChildMessage& message,
                                            const int* descriptors, std::size_t count);
[[nodiscard]] inline ssize_t send_with_descriptor(int socket, const ChildMessage& message,
                                                  int descriptor) {
  return send_with_descriptors(socket, message, &descriptor, 1);
}
// As recvmsg(2), but not interrupted. `descriptors` has room for `most`, at most kMostInMessage;
// what came is close-on-exec, and `count` says how many.
inline constexpr std::size_t kMostInMessage = 253;  // SCM_MAX_FD
[[nodiscard]] ssize_t receive(int socket, iovec part, int* descriptors, std::size_t most,
                              std::size_t& count);

// child_steps.cc: what a child of a template does as well.
void join_cgroup(Launch& launch, const int* tasks, std::size_t count);
void take_ids(Launch& launch, const ChildSpec& spec);
void bring_up_loopback(Launch& launch);
// The sockets of a proxy outside, sent to the host; nothing where there are none.
void offer_egress(Launch& launch, const ChildSpec& spec);
void name_and_place(Launch& launch, const ChildSpec& spec);  // host name, working directory, umask
void place_stdio(Launch& launch, const ChildSpec& spec);

}  // namespace sandpit::jail
