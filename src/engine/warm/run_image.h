// What a template is sent for each run: a ChildSpec with all that it points to, as one block of
// bytes, and the descriptors that it names. Theory of operation of warm runs:
//
//   launcher                   template (an interpreter, stopped     init of the run      program
//                              where it would open its program)
//   RunImage, descriptors -->  enters the run's network namespace,
//                              clone (CLONE_VM, new user, pid,
//                              mount, ipc, uts namespaces) -------->  waits
//                              writes the id maps,
//                       <----  "started" with init's pidfd
//                              waits ----------------------------->  joins the cgroup, takes its
//                                                                    ids, mounts what is the run's,
//                       <------------------------------------------  sends the volume, drops all
//                                                                    privileges, forks ---------->
//                                                                    Landlock, seccomp, stdio;
//                              goes on when init no longer shares returns from open() into its
//                              memory  <-----------------------  execve of warm-init          the
//                              interpreter
//                       <------------------------------------------  "exited" with the status
//
// init shares the template's memory until it becomes a program of its own, as after vfork(2): a
// second copy of an interpreter's page tables would cost as much as the rest of the jail. The
// template does nothing meanwhile. The program is the one that is forked, with memory of its own.
//
// A run may be forked before anyone asks for it (RunImage::waits): its program then stops, having
// touched the memory that programs touch, and is sent a StartImage over the run's own socket when
// its time comes. Nothing is known to it before, and it is used once.
//
// An interpreter that can't be forked (the JVM has threads that no fork takes along) has no
// template: a process of it is started in a jail as a cold one is, behind the run's own walls,
// waits at its trigger, and is sent one StartImage over its control socket. What fails then is a
// ChildMessage on that socket.
//
// Pointers are offsets from the block's beginning (0: null), descriptors indices into what came
// with the message (-1: none), until relocate() has been called. Both sides are built from the same
// sources and installed together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/jail/child.h"

namespace sandpit::warm {

// The descriptors that a template is started with.
inline constexpr int kControlDescriptor = 3;  // a seqpacket socket: "ready" out, RunImages in
inline constexpr int kInitDescriptor = 4;     // the program warm-init
inline constexpr int kLibraryDescriptor = 5;  // libsandpit_warm.so, which the loader opens
// Its environment, besides LD_PRELOAD: taken out again before the interpreter sees it.
inline constexpr const char* kTriggerVariable = "SANDPIT_TRIGGER";  // the path to wait at
inline constexpr const char* kForkTrigger = "fork";  // or the interpreter's own call of fork(2)
inline constexpr const char* kJavaTrigger = "java";  // or the launcher's look-up of the main class
// "1": it serves one run and forks none; then there is no kInitDescriptor. Until that run is known
// it answers each kAsked with kHere.
inline constexpr const char* kOnceVariable = "SANDPIT_ONCE";
inline constexpr char kHere = 'r';                            // a template's "ready", too
inline constexpr char kAsked = '?';                           // are you there?
inline constexpr const char* kWorkVariable = "SANDPIT_WORK";  // its work directory
inline constexpr const char* kPreludeVariable = "SANDPIT_PRELUDE";
// "1": the last words of the command line are to be replaced by the run's arguments.
inline constexpr const char* kArgumentsVariable = "SANDPIT_ARGUMENTS";
// The path of a program of the runtime's own, there to be rehearsed with (library_memory.cc).
inline constexpr const char* kRehearsalVariable = "SANDPIT_REHEARSAL";
// Names, each followed by a comma, of variables that are the template's only.
inline constexpr const char* kForgetVariable = "SANDPIT_FORGET";
// "1", for the prelude: V8's generator is seeded in each run (library_runtime.cc).
inline constexpr const char* kSeededVariable = "SANDPIT_SEEDED";
// What a run's program gets when it opens this path, once: its record (RunImage::record).
inline constexpr const char* kRecordPath = "/.sandpit/go";
// Opened by a prelude's last object when nothing of the program is left: library_exit.cc.
inline constexpr const char* kLeavePath = "/.sandpit/leave";

inline constexpr std::size_t kLargestImage = 128U << 10U;
inline constexpr std::size_t kMostDescriptors = 200;  // SCM_MAX_FD is 253
inline constexpr std::size_t kMostNetworks = 64;      // namespaces that a template keeps

// For a StartImage, which brings input, standard input and record. Behind the walls all is done
// that can be; the filter must allow what is left (JailEngine::fork_ahead).
enum class Waits : std::int32_t { kNo, kBeforeWalls, kBehindWalls };

struct RunImage {
  std::uint64_t size = 0;
  std::uint64_t head = sizeof(RunImage);  // both sides were built from the same sources
  jail::ChildSpec spec;
  int tasks[jail::kMostCgroups] = {};
  std::uint64_t task_count = 0;
  // Ids as they are in the template's own user namespace.
  std::uint32_t outside_uid = 0;
  std::uint32_t outside_gid = 0;
  std::int32_t deny_setgroups = 0;
  std::int32_t network = -1;  // one of the template's own; -1: init makes one
  // NUL-terminated: the program's path, then its arguments.
  const char* record = nullptr;
  std::uint64_t record_size = 0;
  Waits waits = Waits::kNo;
};

// What a run that waits does not know before it is asked for.
struct StartImage {
  std::uint64_t size = 0;
  std::uint64_t head = sizeof(StartImage);
  jail::ChildArray<jail::ChildInput> inputs;
  int stdin_fd = -1;
  const char* record = nullptr;  // as in RunImage
  std::uint64_t record_size = 0;
  int record_fd = -1;  // a file with the same: the run may not make one by now
  // Of a process that serves one run: RLIMIT_CPU, which it has been given more of. 0: it stays.
  std::uint64_t cpu_seconds = 0;
};

// `descriptors`: what came with it. False when it is malformed; then nothing may be used.
[[nodiscard]] bool relocate(char* block, std::size_t size, const int* descriptors,
                            std::size_t count);
[[nodiscard]] bool relocate_start(char* block, std::size_t size, const int* descriptors,
                                  std::size_t count);

// What the launcher sends. The descriptors belong to the caller of flatten().
struct FlatImage {
  std::string bytes;
  std::vector<int> descriptors;
};
// `tasks`: cgroup files to join. Of mounts only those of the run itself are kept.
[[nodiscard]] FlatImage flatten(RunImage image, const std::vector<int>& tasks);
[[nodiscard]] FlatImage flatten(StartImage image);

}  // namespace sandpit::warm
