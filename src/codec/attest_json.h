// What `sandpit attest --json` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandpit/outcome.h"
#include "sandpit/units.h"

namespace sandpit {

struct AttestedAttack {
  std::string name;
  std::string category;
  std::string attempts;
  std::string program;
  std::string result;  // "contained", "escaped", "known_risk", "skipped", "unclear"
  std::string how;     // one line
  std::vector<Denial> denials;
  Microseconds time{0};
  std::optional<bool> proven;  // with --prove: did it succeed outside of the jail?
};

struct AttestReport {
  std::string version;  // of Sandpit
  std::string time;     // when it began, RFC 3339
  std::string kernel;   // uname -srm
  std::string user;     // "root" or "ordinary user"
  int landlock_abi = 0;
  std::string memory;  // what limits it: "cgroup v2 (/sys/fs/cgroup/…)" or why none does
  std::string processes;
  std::string cpu_time;
  std::string profile;
  std::string configuration;  // SHA-256 of `sandpit config show`'s keys and values
  std::vector<AttestedAttack> attacks;

  [[nodiscard]] unsigned count(const char* result) const;
  // "contained": no attack escaped, none ended in an unclear way, and there was one.
  [[nodiscard]] bool contained() const;
};

[[nodiscard]] std::string attest_to_json(const AttestReport& report);

}  // namespace sandpit
