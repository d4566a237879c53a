// The compile step of a run: in a jail of its own, its result from the cache when it is there. What
// leaves that jail is taken by trusted code, as plain files of bounded size, before any code of the
// program runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"
#include "service/file_pack.h"

namespace sandpit {

// What a compiler needs and no source changes, made once: an earlier run's result, or a plan that
// makes it.
struct PreparedWarm {
  std::string directory;  // where it is, or will be
  Plan plan;
};

struct PreparedCompile {
  std::optional<PreparedWarm> warm;  // to be made before anything else
  Plan plan;
  std::vector<UniqueFd> inputs;
  std::vector<std::string> outputs;  // names in the work directory
  ByteCount most;                    // of all that leaves
  std::string key;        // what the result depends on, 64 hexadecimal digits; empty: don't cache
  std::string cache_dir;  // empty: don't cache
  ByteCount cache_max_size;
};

// What a compile step left.
struct Compiled {
  FilePack artefact;
  std::shared_ptr<const Outcome> outcome;
};

// The cache's key. `sources` holds a digest of every input.
[[nodiscard]] std::string compile_key(const Plan& plan, const Step& step,
                                      const std::vector<std::string>& sources,
                                      std::string_view trust_domain);

// The result of an earlier compile step with the same key; its Outcome says `cached`.
[[nodiscard]] std::optional<Compiled> find_compiled(const PreparedCompile& compile);

// Takes the artefact out of the volume of a compile step that has ended, and stores it in the
// cache. `outcome` is the step's, whatever it was. Answers with the run's own Outcome
// (kCompileFailed …) when there is nothing to run.
struct CompileResult {
  std::optional<Compiled> compiled;
  Outcome failure;
};
[[nodiscard]] CompileResult finish_compile(const PreparedCompile& compile, const UniqueFd& volume,
                                           Outcome outcome);

// Gives the run step what the compile step made.
[[nodiscard]] Result<void> add_artefact(const FilePack& artefact, Plan& run,
                                        std::vector<UniqueFd>& inputs);

}  // namespace sandpit
