// What happened. Public. Units are in the types; `status` is never guessed: memory comes from
// cgroup events, CPU time from cgroup counters, wall time from our own timer, signals from the wait
// status.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandpit/export.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit {

enum class Status : std::uint8_t {
  kExited,    // by itself, with exit_code
  kSignaled,  // killed by a signal that was not ours
  kWallTimeExceeded,
  kCpuTimeExceeded,
  kMemoryExceeded,
  kOutputExceeded,  // only when the policy kills for it
  kCompileFailed,
  kTrapped,       // WebAssembly
  kRefused,       // lint, validation or policy; nothing ran
  kSandboxError,  // the jail could not be built; nothing ran
};

// "exited", "wall_time_exceeded" …: the words of the JSON outcome.
[[nodiscard]] SANDPIT_API const char* to_string(Status status);

// One thing that the program was denied. Arguments are read from its memory: what they say is
// advisory, and may hold any bytes but control characters of a terminal.
struct Denial {
  std::string what;    // for people: call and detail, "connect 1.1.1.1:443 (tcp)"
  std::string call;    // the system call's name; empty for what a WebAssembly module was denied
  std::string detail;  // "AF_PACKET SOCK_RAW", "CLONE_NEWUSER", a path; may be empty
  std::string error;   // what the program got: "EPERM"
  std::string hint;    // the setting that allows it, as one writes it; empty: nothing does
  std::uint64_t count = 0;
};

// A limit that the program came up against, whether it ended by it or went on.
struct LimitReached {
  std::string limit;        // "memory", "processes", "disk", "output" … as in `enforcement`
  std::string detail;       // "3 forks refused, limit 8"
  std::string hint;         // the option that raises it
  std::uint64_t count = 0;  // how often, where that is known; else 1
};

// One way in which a traced program (Request::trace) asked for a file and did not get it.
struct FileAccess {
  std::string path;    // inside, absolute; the program's word: any bytes but NUL
  std::string access;  // what it asked: "read", "write", "create", "remove", "change", "execute",
                       // "enter", "look"
  std::string error;   // what it got: "ENOENT"
  std::string hint;    // the option that allows it; empty: none does, or none is known
  std::uint64_t count = 0;
  std::optional<PathGrant> grant;  // what that option grants
};

struct FileTrace {
  std::vector<FileAccess> failed;  // those that can be allowed first; at most 256
  std::uint64_t unlisted = 0;      // more, that found no room in the list
  std::uint64_t absent = 0;        // searches of the system's own directories that found nothing
  std::string missing;             // why nothing was heard; empty: it was
};

// What went through the proxy of a run whose network is a list of hosts (NetworkMode::kAllow).
// Counted by the jailed proxy.
struct NetworkUse {
  std::uint64_t connections = 0;  // that were let through
  std::uint64_t denied = 0;       // connections and look-ups; `denials` lists them
  ByteCount sent;                 // by the program
  ByteCount received;
};

// What the wasm engine adds to an Outcome. Told by the jailed worker: numbers of its own about
// itself, not measured from outside.
struct WasmOutcome {
  std::optional<std::uint64_t> fuel_used;  // when `fuel` was set
  ByteCount memory_high_water;             // of all linear memories together
  Microseconds compile_time{0};            // parsing, validation and code generation; 0 on a hit
  bool cache_hit = false;
  bool warm = false;                   // by a process that had served other runs of its domain
  std::string compiler;                // "cranelift" or "winch"
  std::string trap;                    // "unreachable", "stack_overflow" … ; empty when none
  std::vector<std::string> backtrace;  // innermost first: "0: name (file.wat:3:5)"
};

struct Outcome {
  Status status = Status::kSandboxError;
  int exit_code = 0;        // of the program; meaningful when status is kExited
  int signal = 0;           // that ended it, 0 when none did
  std::string stdout_text;  // head and tail when truncated, cut at UTF-8 boundaries
  std::string stderr_text;
  std::uint64_t stdout_bytes = 0;  // that the program wrote, kept or not
  std::uint64_t stderr_bytes = 0;
  bool stdout_truncated = false;
  bool stderr_truncated = false;
  Microseconds wall_time{0};
  Microseconds cpu_time{0};  // user + system, of the whole process tree
  Microseconds user_time{0};
  Microseconds system_time{0};
  ByteCount peak_memory;  // of the whole process tree, files in memory included
  ByteCount files;        // bytes held by files in the work directory, /tmp and /dev/shm at the end
  std::string runtime;
  std::string runtime_version;
  std::string engine;                  // "jail"
  std::vector<Denial> denials;         // in the order in which they first came; at most 64
  std::uint64_t denials_unlisted = 0;  // more, that found no room in the list
  std::string denials_missing;         // why denials were not recorded; empty: they were
  std::vector<LimitReached> limits_reached;
  std::map<std::string, std::string>
      enforcement;  // limit or wall -> mechanism ("cgroup-v1", "rlimit", "sampled" …)
  std::vector<std::string> warnings;       // one sentence each, shown by the command line
  std::string message;                     // one sentence: why it ended, empty for a plain exit
  std::shared_ptr<const Outcome> compile;  // the compile step, when there was one
  // "warm": forked from an interpreter that had started before; "cold": started anew, and why when
  // it might have been warm.
  std::string start = "cold";
  std::string start_reason;
  bool cached = false;  // of a compile step: its result came from the cache, its times are zero
  std::optional<WasmOutcome> wasm;        // of a WebAssembly run
  std::optional<NetworkUse> network;      // where the network was a list of hosts
  std::optional<FileTrace> files_traced;  // where it was asked for
};

// The exit status that `sandpit run` ends with for this outcome (DESIGN.md section 7).
[[nodiscard]] SANDPIT_API int exit_status(const Outcome& outcome);

// "SIGSEGV" for 11, "SIGRTMIN+1" for real-time signals; empty for 0.
[[nodiscard]] SANDPIT_API std::string signal_name(int signal);

}  // namespace sandpit
