// Landlock: which rights each ABI of the kernel knows, as plain numbers. Everything here is
// constexpr, allocates nothing and calls nothing, so that the jail's child may use it after clone.
// The caller makes the calls themselves (landlock_create_ruleset, _add_rule, _restrict_self): see
// landlock(7).
//
//   const RulesetAttr attr = landlock::ruleset_for(abi, NetworkRules::kDenyTcp);
//   fd = syscall(SYS_landlock_create_ruleset, &attr, landlock::ruleset_size(abi), 0);
//
// Constants are ours, since Debian 12's headers are of Linux 6.1 (ABI 2); values are the kernel's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sandpit::sys::landlock {

inline constexpr long kCreateRulesetCall = 444;
inline constexpr long kAddRuleCall = 445;
inline constexpr long kRestrictSelfCall = 446;

inline constexpr std::uint32_t kCreateRulesetVersion = 1;  // flag: returns the ABI
inline constexpr int kRulePathBeneath = 1;
inline constexpr int kRuleNetPort = 2;

// struct landlock_ruleset_attr, as of ABI 6. Older kernels take a prefix: ruleset_size.
struct RulesetAttr {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

// struct landlock_path_beneath_attr, packed by the kernel.
struct __attribute__((packed)) PathBeneathAttr {
  std::uint64_t allowed_access = 0;
  std::int32_t parent_fd = -1;
};
static_assert(sizeof(PathBeneathAttr) == 12);

struct NetPortAttr {
  std::uint64_t allowed_access = 0;
  std::uint64_t port = 0;
};

namespace fs {
inline constexpr std::uint64_t kExecute = 1U << 0;
inline constexpr std::uint64_t kWriteFile = 1U << 1;
inline constexpr std::uint64_t kReadFile = 1U << 2;
inline constexpr std::uint64_t kReadDir = 1U << 3;
inline constexpr std::uint64_t kRemoveDir = 1U << 4;
inline constexpr std::uint64_t kRemoveFile = 1U << 5;
inline constexpr std::uint64_t kMakeChar = 1U << 6;
inline constexpr std::uint64_t kMakeDir = 1U << 7;
inline constexpr std::uint64_t kMakeReg = 1U << 8;
inline constexpr std::uint64_t kMakeSock = 1U << 9;
inline constexpr std::uint64_t kMakeFifo = 1U << 10;
inline constexpr std::uint64_t kMakeBlock = 1U << 11;
inline constexpr std::uint64_t kMakeSym = 1U << 12;
inline constexpr std::uint64_t kRefer = 1U << 13;     // ABI 2 (Linux 5.19)
inline constexpr std::uint64_t kTruncate = 1U << 14;  // ABI 3 (6.2)
inline constexpr std::uint64_t kIoctlDev = 1U << 15;  // ABI 5 (6.10)
}  // namespace fs

namespace net {  // ABI 4 (6.7)
inline constexpr std::uint64_t kBindTcp = 1U << 0;
inline constexpr std::uint64_t kConnectTcp = 1U << 1;
}  // namespace net

namespace scope {  // ABI 6 (6.12)
inline constexpr std::uint64_t kAbstractUnixSocket = 1U << 0;
inline constexpr std::uint64_t kSignal = 1U << 1;
}  // namespace scope

// What a rule gives beneath its path. The Plan's own enumeration maps to it one to one.
enum class Access : std::uint8_t {
  kRead,
  kReadExecute,
  kReadWrite,
  kReadWriteExecute,
  kDevice,  // read, write and ioctl of a device node, nothing else
};
enum class PathKind : std::uint8_t { kFile, kDirectory };
enum class NetworkRules : std::uint8_t { kUnrestricted, kDenyTcp };

// Rights that the ruleset governs: all that the ABI knows. 0 when there is no Landlock.
[[nodiscard]] constexpr std::uint64_t handled_fs(int abi) {
  if (abi < 1) return 0;
  std::uint64_t rights = fs::kRefer - 1;  // bits 0 to 12: ABI 1
  if (abi >= 2) rights |= fs::kRefer;
  if (abi >= 3) rights |= fs::kTruncate;
  if (abi >= 5) rights |= fs::kIoctlDev;
  return rights;
}

[[nodiscard]] constexpr std::uint64_t handled_net(int abi) {
  return abi >= 4 ? net::kBindTcp | net::kConnectTcp : 0;
}

[[nodiscard]] constexpr std::uint64_t scoped(int abi) {
  return abi >= 6 ? scope::kAbstractUnixSocket | scope::kSignal : 0;
}

// Rights of one rule, cut to what the ABI handles. The kernel refuses (EINVAL) rights on a file
// that only directories have, hence `kind`. Making device nodes is in no rule: it is always denied.
[[nodiscard]] constexpr std::uint64_t access_for(Access access, int abi, PathKind kind) {
  constexpr std::uint64_t kFileRights =
      fs::kExecute | fs::kWriteFile | fs::kReadFile | fs::kTruncate | fs::kIoctlDev;
  constexpr std::uint64_t kRead = fs::kReadFile | fs::kReadDir;
  constexpr std::uint64_t kWrite = fs::kWriteFile | fs::kTruncate | fs::kRemoveDir |
                                   fs::kRemoveFile | fs::kMakeDir | fs::kMakeReg | fs::kMakeSock |
                                   fs::kMakeFifo | fs::kMakeSym | fs::kRefer;
  std::uint64_t rights = 0;
  switch (access) {
    case Access::kRead:
      rights = kRead;
      break;
    case Access::kReadExecute:
      rights = kRead | fs::kExecute;
      break;
    case Access::kReadWrite:
      rights = kRead | kWrite;
      break;
    case Access::kReadWriteExecute:
      rights = kRead | kWrite | fs::kExecute;
      break;
    case Access::kDevice:
      rights = fs::kReadFile | fs::kWriteFile | fs::kTruncate | fs::kIoctlDev;
      break;
  }
  if (kind == PathKind::kFile) rights &= kFileRights;
  return rights & handled_fs(abi);
}

[[nodiscard]] constexpr RulesetAttr ruleset_for(int abi, NetworkRules network) {
  return {.handled_access_fs = handled_fs(abi),
          .handled_access_net = network == NetworkRules::kDenyTcp ? handled_net(abi) : 0,
          .scoped = scoped(abi)};
}

// Kernels refuse a longer structure than they know when what is beyond is not zero (E2BIG).
[[nodiscard]] constexpr std::size_t ruleset_size(int abi) {
  if (abi >= 6) return sizeof(RulesetAttr);
  return abi >= 4 ? offsetof(RulesetAttr, scoped) : offsetof(RulesetAttr, handled_access_net);
}

// The kernel's ABI; 0 when Landlock is absent or switched off. Async-signal-safe.
[[nodiscard]] int abi();

}  // namespace sandpit::sys::landlock
