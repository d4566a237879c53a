// System-call profiles and the BPF programs made of them. Profiles are data: profiles/<name>.toml,
// each row with its reason. Built-in profiles are compiled at build time (tools/profilegen) into
// range trees; a profile with the user's changes is compiled at load time by the same code. See
// seccomp(2), seccomp_unotify(2).
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sandpit::sys {

using BpfProgram = std::vector<sock_filter>;

enum class SyscallAction : std::uint8_t {
  kAllow,
  kErrno,   // fails with `errno_value` (ENOSYS for unknown calls, EPERM mostly)
  kNotify,  // a denial that the user should hear of: fails with `errno_value` as well, given by the
            // supervisor through the filter's listener (sys/seccomp_notify.h)
  kObserve,  // allowed, and told: what the kernel makes of it is the jail's doing (no network)
  kTrace,    // allowed, and told in a run whose file accesses are traced (sys/file_calls.h); no
             // profile has it: filter_for() makes it of kAllow
  kKill,     // SECCOMP_RET_KILL_PROCESS
};

// One condition on an argument: (arg & mask) OP value, compared as 64 bits.
struct ArgumentTest {
  enum class Op : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  unsigned index = 0;
  std::uint64_t mask = ~std::uint64_t{0};
  Op op = Op::kEqual;
  std::uint64_t value = 0;
};

// One row. All tests must hold; rows of the same call are tried in order, the first that holds
// decides; when none holds, the profile's default applies.
struct SyscallRule {
  std::string name;
  SyscallAction action = SyscallAction::kAllow;
  int errno_value = 1;  // EPERM
  std::vector<ArgumentTest> when;
  std::string why;
};

struct SyscallProfile {
  std::string name;
  std::string description;
  int default_errno = 38;          // ENOSYS
  std::vector<SyscallRule> rules;  // after `inherits` is resolved
};

// The number of a call on this architecture; empty when it has none here.
[[nodiscard]] std::optional<int> syscall_number(std::string_view name);
[[nodiscard]] std::string syscall_name(int number);

// Who gives a kNotify row's errno: the filter itself, or the holder of its listener, who with
// kWithFiles hears of the calls that name a file as well.
enum class Reporting : std::uint8_t { kSilent, kNotified, kWithFiles };

// Compiles a profile, its kNotify rows as they are, into a range tree over system-call numbers.
// Foreign architectures and x32 numbers kill the process. kUsage error, with the row, for an
// unknown call name or a bad argument index; names that exist on another architecture only are
// skipped.
[[nodiscard]] Result<BpfProgram> compile_profile(const SyscallProfile& profile);

// A user-space evaluator of a filter, so that tests need no kernel: returns the SECCOMP_RET_*
// value.
[[nodiscard]] std::uint32_t evaluate(std::span<const sock_filter> program, std::uint32_t arch,
                                     int number, std::span<const std::uint64_t> arguments);

// "0005: jge #59, 0006, 0012", one instruction per line: for golden files and --explain.
[[nodiscard]] std::string disassemble(std::span<const sock_filter> program);

// Built in at build time, by name; nullptr when there is none.
struct BuiltinProfile {
  std::string_view name;
  std::span<const sock_filter> program;
};
[[nodiscard]] const BuiltinProfile* builtin_profile(std::string_view name);
[[nodiscard]] std::vector<std::string_view> builtin_profile_names();
// The rules of a built-in profile as data (for `runtimes show` and for user changes on top).
[[nodiscard]] Result<SyscallProfile> builtin_profile_rules(std::string_view name);

// The filter for one run: the built-in one when nothing was changed, else compiled now, with `deny`
// then `allow` rows put before the profile's own. kUsage error for unknown profile or call names,
// with "did you mean". What the user denies is notified too, but for the calls that the jail's own
// init makes under the filter.
[[nodiscard]] Result<BpfProgram> filter_for(std::string_view profile,
                                            std::span<const std::string> allow,
                                            std::span<const std::string> deny,
                                            Reporting reporting = Reporting::kSilent);

}  // namespace sandpit::sys
