// What happens between clone3 and execve. Theory of operation:
//
//   launcher / command line (host)         init: pid 1 of the jail                  program: pid 2
//   clone3, write the id maps,             network namespace
//   make the cgroup, "go" -------------->  joins its cgroup, takes its ids,
//                                          builds the mount tree, pivots,
//                                 <------  sends the private volume's descriptor,
//                                          drops every privilege, Landlock, seccomp
//                                          vfork ------------------------------->   stdio, execve
//                                 <------  "exited" with the wait status
//   pidfd readable: the whole pid namespace is gone (pid_namespaces(7))
//
// init has no more rights than the program: everything is dropped before the vfork. One seqpacket
// socket serves as go signal, report and liveness: when the host's end closes (killed -9 included),
// init exits and the kernel kills the rest.
//
// Everything here is async-signal-safe; tools/check_child_symbols.py checks the object file's
// undefined symbols. The ChildSpec and all that it points to are made before clone3 and not changed
// after.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "plan/plan.h"

namespace sandpit::jail {

// One step of the launch; the name is what the user reads when it fails.
enum class LaunchStep : std::uint8_t {
  kNone,
  kNetworkNamespace,
  kWaitForGo,
  kJoinCgroup,
  kCgroupNamespace,
  kIds,
  kSession,
  kLoopback,
  kRootFs,
  kVolume,
  kMount,  // `detail` is the index of the mount in the plan
  kProc,
  kReadOnlyRoot,
  kInput,  // `detail` is the index of the input
  kPivot,
  kDetachOldRoot,
  kHostname,
  kWorkingDirectory,
  kRlimit,  // `detail` is the resource
  kCapabilities,
  kNoNewPrivileges,
  kLandlock,  // `detail` is the index of the rule, or -1
  kSeccomp,
  kStdio,
  kFork,
  kExec,
  kIdMaps,  // these two: of a jail whose program comes from a template
  kInit,
  kListener,  // of the denials, sent to the host once the filter is on
  kEgress,    // `detail` is the index of the listening socket, or -1
  kTell,      // of init, to the host, by the template of such a jail
  kCount,
};
[[nodiscard]] const char* to_string(LaunchStep step);

enum class MessageKind : std::uint8_t { kVolume, kFailed, kExited, kStarted, kListener, kEgress };

// What init sends over the socket. kVolume carries the volume's directory as a descriptor
// (SCM_RIGHTS), kStarted, which a template sends for it, its pidfd, kListener the listener of the
// filter's denials, or an errno and none where this kernel has no such thing, kEgress the run's
// listening sockets in the order of the plan.
struct ChildMessage {
  MessageKind kind = MessageKind::kFailed;
  LaunchStep step = LaunchStep::kNone;
  std::int32_t errno_value = 0;
  std::int32_t detail = 0;
  std::int32_t wait_status = 0;  // kExited: as from waitpid(2)
  std::int32_t alone = 0;  // kExited: init has no child left, so nothing of the run lives any more
  std::int32_t proc_missing = 0;  // kVolume: no /proc in this jail
  // kExited, from a template's child only: of the program and what it had waited for. There is no
  // parent on the host that could ask the kernel.
  std::int64_t user_us = 0;
  std::int64_t system_us = 0;
  std::int64_t largest_kib = 0;
};

struct ChildMount {
  MountKind kind;
  std::uint8_t flags;
  std::uint16_t mode;
  const char* target;  // relative to the new root: no leading slash
  const char* source;
  const char* content;
  std::size_t content_size;
  int tree;  // detached tree opened before clone; -1: open `source` here
};

// Mounted for each run anew; everything else may be shared.
[[nodiscard]] inline bool is_per_run(const ChildMount& mount) {
  return mount.kind == MountKind::kVolume || mount.kind == MountKind::kProc ||
         (mount.kind == MountKind::kBind && (mount.flags & kMountGranted) != 0);
}

struct ChildInput {
  const char* name;
  std::uint16_t mode;
  std::uint64_t size;
  std::uint64_t offset;  // in `descriptor`
  bool directory;
  int descriptor;
  int number;  // not 0: not copied, the program gets the descriptor itself under this number
};

// Numbers that inputs may ask for: 3 to this, exclusive.
inline constexpr int kMostDescriptorNumber = 16;

struct ChildRlimit {
  int resource;
  rlimit limit;
};

struct ChildLandlockRule {
  const char* path;
  LandlockAccess access;
};

// A socket that listens in the run's network namespace, for a proxy outside. Network byte order.
struct ChildEgressSocket {
  std::uint32_t address;
  std::uint16_t port;
  bool datagram;
};

inline constexpr std::size_t kMostEgressSockets = 96;

// A network that is this host's own to the run: the loopback interface gets an address in it.
struct ChildEgressNetwork {
  std::uint32_t address;
  std::uint32_t mask;
};

template <class T>
struct ChildArray {
  const T* data = nullptr;
  std::size_t size = 0;
  const T* begin() const { return data; }
  const T* end() const { return data + size; }
};

struct ChildSpec {
  int socket = -1;       // our end of the seqpacket pair
  int host_socket = -1;  // the host's end, which the child has inherited
  // unshare(CLONE_NEWNET) here, while the host makes the cgroup: each takes a while.
  bool own_network = false;
  std::uint32_t uid = 0;  // inside
  std::uint32_t gid = 0;
  bool drop_groups = false;       // setgroups(0): allowed when the map was written by root
  bool drop_bounding_set = true;  // false when the launcher has done it already
  bool set_nice = false;
  int nice = 0;
  bool bring_up_loopback = false;
  ChildArray<ChildEgressNetwork> egress_networks;
  ChildArray<ChildEgressSocket> egress_sockets;
  bool in_ready_tree =
      false;  // cloned inside a ready-made mount namespace: the shared part of `mounts` is there
  ChildArray<ChildMount> mounts;
  const char* volume_size = nullptr;  // "268435456"
  const char* volume_inodes = nullptr;
  bool allow_missing_proc = false;
  ChildArray<ChildInput> inputs;
  const char* hostname = nullptr;
  std::size_t hostname_size = 0;
  const char* cwd = nullptr;
  long backstop_ms = 0;  // init ends the run by itself after this time
  ChildArray<ChildRlimit> rlimits;
  int landlock_abi = 0;
  ChildArray<ChildLandlockRule> landlock;
  bool landlock_host_network = false;  // TCP stays allowed
  sock_fprog seccomp{};                // no instructions: no filter (templates)
  bool listener = false;               // `seccomp` has notifications: the host shall hear of them
  // RLIMIT_NOFILE only after the listener is sent: sendmsg fails where the user, all of whose
  // processes count, has more descriptors in flight (unix(7), ETOOMANYREFS).
  bool files_last = false;
  // Not 0: the program's pid, inside. A template needs one that no run has: Ruby and OpenSSL tell
  // by getpid() that they were forked.
  pid_t program_pid = 0;
  std::uint64_t keep_capabilities = 0;  // of templates: a bit for each, in the run's own namespace
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  // Fault injection by tests: this LaunchStep, or the launch's so-manieth system call, fails with
  // `fail_errno`.
  int fail_step = -1;
  int fail_call = 0;
  int fail_errno = 0;
};

// The go signal carries the v1 `tasks` files to join, as descriptors (SCM_RIGHTS); at most this
// many.
inline constexpr int kMostCgroups = 8;

// Runs in the child of clone3. Never returns.
[[noreturn]] void child_main(const ChildSpec& spec);

// Builds the shareable part of a root (everything but kVolume, kProc and granted binds, whose mount
// points are made) on the tmpfs `root`, an open directory. Used by init, and by the launcher for
// its ready-made trees. Returns the step that failed, or kNone.
struct TreeFailure {
  LaunchStep step = LaunchStep::kNone;
  int errno_value = 0;
  int detail = 0;
};
// `trees`: one detached tree per mount, -1 where there is none to attach; null: opened here.
[[nodiscard]] TreeFailure build_shared_tree(int root, ChildArray<ChildMount> mounts,
                                            const int* trees);
// Not recursive: what is mounted on the root keeps its own flags.
[[nodiscard]] int make_read_only(int root);
// Opens the source of a bind or device mount as a detached tree with its flags set; -1 with errno.
[[nodiscard]] int open_bind_tree(const ChildMount& mount);
// A tmpfs for a root, mounted nowhere yet; -1 with errno.
[[nodiscard]] int make_root_tmpfs();

}  // namespace sandpit::jail
