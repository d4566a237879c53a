// The Plan: everything the engine needs for one run, as plain data. Complete and printable (codec/
// prints it as JSON); comparable to an OCI config.json. Made by build_plan() from Policy, Step and
// HostFacts: the same input, the same Plan.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/egress_plan.h"
#include "plan/wasm_plan.h"
#include "policy/policy.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sys/host_facts.h"

namespace sandpit {

enum class MountKind : std::uint8_t {
  kDirectory,  // mkdir target with mode
  kFile,       // a small file with `content` and mode, in the root tmpfs
  kSymlink,    // target -> source
  kBind,       // host path `source` at `target`, recursive, nosuid, nodev, with `flags`
  kDevice,     // host device node `source` at `target`, nosuid, noexec
  kVolume,     // directory `source` ("work", "tmp", "shm") of the run's private volume at `target`
  kProc,       // a fresh procfs
};
[[nodiscard]] const char* to_string(MountKind kind);

enum MountFlag : std::uint8_t {
  kMountReadOnly = 1,
  kMountNoExec = 2,
  kMountIsDirectory = 4,  // of kBind: the source is a directory
  kMountGranted = 8,      // of kBind: the user's own grant (--read, --write, allowed_paths,
                          // packages_dir): attached per run
};

struct Mount {
  MountKind kind = MountKind::kDirectory;
  std::uint8_t flags = 0;
  std::uint16_t mode = 0755;
  std::string target;  // absolute, inside; parents are made as needed
  std::string source;
  std::string content;
};

// A file of the caller's, copied into the work directory; its bytes travel as a descriptor beside
// the Plan, in this order.
struct InputFile {
  std::string name;  // relative to the work directory, without "." and ".."
  std::uint16_t mode = 0644;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;      // where its bytes begin in the descriptor
  bool directory = false;        // no file: a directory to make, and no descriptor
  bool same_descriptor = false;  // as the input before it: several files packed into one
  // Not 0: not copied; the program gets the descriptor itself, under this number (3 or more).
  std::uint32_t as_descriptor = 0;
};

// Does a descriptor of its own travel beside the plan for it?
[[nodiscard]] constexpr bool has_descriptor(const InputFile& input) {
  return !input.directory && !input.same_descriptor;
}

// One Landlock rule: `access` beneath `path` (inside). Applied by ABI, best effort.
enum class LandlockAccess : std::uint8_t {
  kRead,
  kReadExecute,
  kReadWrite,
  kReadWriteExecute,
  kDevice
};
[[nodiscard]] const char* to_string(LandlockAccess access);

struct LandlockRule {
  std::string path;
  LandlockAccess access = LandlockAccess::kRead;
};

// How one limit is enforced. Several may hold at once; the Outcome lists them joined by "+".
enum class Mechanism : std::uint8_t {
  kCgroupV1,
  kCgroupV2,
  kRlimit,
  kSampled,
  kTimer,
  kTmpfs,
  kPipe
};
[[nodiscard]] const char* to_string(Mechanism mechanism);

struct Enforcement {
  std::string limit;  // "memory", "cpu_time", "wall_time", "processes", "file_size", "disk", …
  std::vector<Mechanism> mechanisms;  // never empty
  std::string degraded;               // why it is weaker than it could be; empty when it is not
};
// "cgroup-v1+rlimit", "sampled (degraded)": as the Outcome tells it.
[[nodiscard]] std::string mechanisms_text(const Enforcement& enforcement);

struct Plan {
  std::string runtime;
  std::string runtime_version;  // as far as known without running it
  std::string engine = "jail";
  std::vector<std::string> argv;  // argv[0]: absolute path inside
  std::vector<std::string> env;   // "K=V", complete
  std::string cwd;                // inside
  std::string hostname = "sandpit";
  std::uint32_t uid = 1000;  // inside
  std::uint32_t gid = 1000;
  std::vector<Mount> mounts;  // in order; kVolume, kProc and granted binds are made per run, the
                              // rest may be shared
  std::vector<InputFile> inputs;
  std::string work_dir;  // where inputs go, inside
  NetworkMode network = NetworkMode::kNone;
  Limits limits;  // as the user meant them
  std::uint64_t max_tasks =
      0;  // pids.max or RLIMIT_NPROC: limits.processes + helper_tasks + 1 for init
  std::uint32_t helper_tasks = 0;
  std::uint64_t max_descriptors = 0;  // RLIMIT_NOFILE: limits.open_files + helper_files
  std::vector<Enforcement> enforcement;
  std::string syscall_profile;
  std::vector<sock_filter> seccomp;          // with notifications when `report_denials`
  bool report_denials = false;               // the supervisor hears of them, answers and lists them
  bool trace = false;                        // and of calls that name a file, which go on
  std::string silent_reason;                 // why it is off, for the Outcome; empty for modules
  std::vector<std::string> denied_syscalls;  // by the user, for the hints
  std::vector<LandlockRule> landlock;        // empty when landlock_abi is 0
  int landlock_abi = 0;
  std::vector<std::string> warnings;  // for the user: weaker enforcement and the command that mends
                                      // it, a granted unix socket …
  bool allow_missing_proc = false;    // allow_degraded = ["proc"]
  std::optional<WasmPlan> wasm;       // engine "wasm": what the program, the worker, shall do
  std::optional<WarmStart> warm;      // may be forked from a template
  std::string cold_reason;            // why it is not, for the Outcome
  bool is_template = false;           // it forks runs: plan/template_plan.h
  std::optional<EgressPlan> egress;   // of NetworkMode::kAllow
  std::vector<Plan> egress_proxy;     // its one proxy, or none: plan/egress_proxy.h
};

struct PlanInput {
  const Policy& policy;
  const Step& step;
  std::string runtime;
  std::string runtime_version;
  std::vector<InputFile> inputs;
  const HostFacts& facts;
  std::optional<WasmPlan> wasm;  // of a step with engine "wasm"
};

// Error kRefused, naming the limit, the reason and the command that mends it, when a limit can't be
// enforced on this host and the policy does not allow weaker enforcement of it.
[[nodiscard]] Result<Plan> build_plan(const PlanInput& input);

}  // namespace sandpit
