// One attack in the jail: from its row of the catalogue to its result.
#pragma once

#include <string>

#include "attest/scene.h"
#include "base/result.h"
#include "codec/attack_json.h"
#include "codec/attest_json.h"
#include "sandpit/sandbox.h"

namespace sandpit::attest {

// The directory with the catalogue (attacks.json) and its programs: `SANDPIT_ATTACKS_DIR`, else
// that of the installed or built tree. kSystem when it is nowhere.
[[nodiscard]] Result<std::string> attacks_directory();

// What can't be run here (no interpreter, a grant that this host can't make) is "skipped".
[[nodiscard]] AttestedAttack attempt(const Attack& attack, const std::string& directory,
                                     const Sandbox& sandbox, Scene& scene);

// Runs the program outside of the jail, with the caller's rights: does the attempt succeed there?
// For attacks that are provable only.
[[nodiscard]] Result<bool> prove(const Attack& attack, const std::string& directory, Scene& scene);

}  // namespace sandpit::attest
