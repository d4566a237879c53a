// The catalogue of `sandpit attest`: a JSON array with an object for each attack
// (tests/escape/attacks.json; docs/attest.md lists the members).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandpit/limits.h"

namespace sandpit {

struct Attack {
  // Who may try it outside of the jail, to prove that the attempt is real, and harm nobody.
  enum class Provable : std::uint8_t { kNo, kByAnybody, kByRoot };

  std::string name;
  std::string program;            // a file beside the catalogue; "x.c": the program x, made of that
  std::string category;           // "files", "processes" …
  std::string attempts;           // what it attempts, for people
  std::vector<std::string> args;  // with {mark}, {pid} …, see attest/scene.h
  LimitOverrides limits;
  // How it may end other than by its own verdict CONTAINED: "memory_exceeded" … With "exited" the
  // program says no verdict: that it ended by itself is what is asked.
  std::vector<std::string> ends;
  bool truncated = false;  // a flood: contained when its output was cut
  bool loopback = false;   // with a private loopback interface
  // A directory of its own at this place inside; empty: none.
  std::string read_grant;
  std::string write_grant;
  // Arguments of a first run of the same program, at work while the attack goes on; empty: none.
  std::vector<std::string> beside;
  std::string known;  // Sandpit doesn't hold here, and why; empty: it does
  Provable provable = Provable::kNo;
  std::vector<std::string> prove_args;  // empty: as `args`
};

// kSystem: the catalogue is damaged; `where` is "attacks[3].limits".
[[nodiscard]] Result<std::vector<Attack>> parse_attacks(std::string_view text);

}  // namespace sandpit
