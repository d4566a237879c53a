// How profiles are read and how rules become a BPF program: the part of seccomp.h that the
// build-time generator (tools/profilegen) shares with the library, so it must not need anything
// generated from profiles. Callers outside sys/ and tools/ use seccomp.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/seccomp.h"

namespace sandpit::sys {

enum class Architecture : std::uint8_t { kX8664, kAarch64 };

#if defined(__x86_64__)
inline constexpr Architecture kNativeArchitecture = Architecture::kX8664;
#elif defined(__aarch64__)
inline constexpr Architecture kNativeArchitecture = Architecture::kAarch64;
#else
#error "no system-call table for this architecture: add a column in tools/profilegen/syscallgen.cc"
#endif

// AUDIT_ARCH_* of linux/audit.h.
[[nodiscard]] std::uint32_t audit_arch(Architecture architecture);

// One line of the generated table, sorted by name; -1 where an architecture lacks the call.
struct SyscallTableRow {
  std::string_view name;
  int x86_64 = -1;
  int aarch64 = -1;
};
[[nodiscard]] std::span<const SyscallTableRow> syscall_table();

// Null when no architecture of ours has a call of that name.
[[nodiscard]] const SyscallTableRow* find_syscall(std::string_view name);
[[nodiscard]] int number_on(const SyscallTableRow& row, Architecture architecture);

// The nearest name, for "did you mean"; empty when nothing is near.
[[nodiscard]] std::string nearest_name(std::string_view name,
                                       std::span<const std::string_view> candidates);

// compile_profile for a named architecture, so that both can be tested on either.
[[nodiscard]] Result<BpfProgram> compile_profile_for(const SyscallProfile& profile,
                                                     Architecture architecture);

// The TOML text of a profile, or nothing when there is no profile of that name.
using ProfileSource = std::function<std::optional<std::string_view>(std::string_view)>;

// Reads a profile and those that it inherits from; its own rows come before inherited ones, so they
// win. Errors (kUsage) carry "NAME.toml:line:column", all of them at once.
[[nodiscard]] Result<SyscallProfile> load_profile(std::string_view name,
                                                  const ProfileSource& source);

// A constant that profiles may name ("PROT_EXEC", "EPERM"), or several joined by '|'.
[[nodiscard]] std::optional<std::uint64_t> profile_constant(std::string_view expression);

}  // namespace sandpit::sys
