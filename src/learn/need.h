// One thing that a program was seen to ask for and did not get, and what would give it. Pure: an
// Outcome of a traced run goes in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"

namespace sandpit::learn {

enum class NeedKind : std::uint8_t {
  kLimit,
  kRead,
  kWrite,
  kLoopback,  // a private one
  kHost,
  kSyscall,
  kJit,  // the system-call profile "jit"
};

enum class State : std::uint8_t {
  kGranted,
  kRefused,   // not without the user's word, or never: `why` says it
  kUnneeded,  // the program does the same without it
};

struct Need {
  NeedKind kind = NeedKind::kRead;
  std::string name;  // the host, the system call, the limit's key; of a path, its place inside
  PathGrant grant;   // of kRead and kWrite
  std::uint64_t value = 0;  // of kLimit, in the unit of its key
  std::string asked;        // "read, ENOENT", for a comment
  std::uint64_t count = 0;
  State state = State::kGranted;
  std::string why;       // of kRefused
  bool any_port = true;  // of kHost without a port; false while its ports are being found out
  bool untried = false;  // whether the program does without was not found out
};

struct Observed {
  std::vector<Need> needs;
  bool wants_network = false;  // though no host is known that it wants: a look by name tells more
  std::vector<std::string> hopeless;  // what nothing allows
};

[[nodiscard]] Observed observe(const Outcome& outcome, const Limits& limits);

// Adds what is new; widens what is there. True when something was granted that was not before.
bool merge(Need need, std::vector<Need>& needs);

// "memory_limit_mb" of `limits`, in the key's unit.
[[nodiscard]] std::uint64_t limit_value(const Limits& limits, std::string_view key);

// What a passing run used of a limit that was raised, with headroom; the limit itself where that
// can't be told.
[[nodiscard]] std::uint64_t fitted(const Need& limit, const Outcome& outcome);

}  // namespace sandpit::learn
