// What an attack's Outcome says: was it contained? Pure.
#pragma once

#include <string>

#include "codec/attack_json.h"
#include "sandpit/outcome.h"

namespace sandpit::attest {

struct Judgement {
  std::string result;  // of AttestedAttack
  std::string how;
};

// `harm`: what the attack did to the host, as the scene found afterwards; empty: nothing.
[[nodiscard]] Judgement judge(const Attack& attack, const Outcome& outcome,
                              const std::string& harm);

}  // namespace sandpit::attest
