// [compile.warm] of a manifest: files that a compiler needs and that no user's source changes (a
// precompiled header, the standard library's archives), made once for each compiler and kept in a
// directory of the cache, which later jails see read-only at kWarmPath.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {

// Where they are for this step, below the cache's directory; named by what they depend on.
[[nodiscard]] std::string warm_directory(std::string_view cache_dir, std::string_view runtime,
                                         const Step& step);
// Is the directory there, whole, ours and not writable by others?
[[nodiscard]] bool is_warm(const std::string& directory);

// Takes the work directory of a finished step as that directory, all or nothing; whoever comes
// second finds the first one's. kRefused when the step did not end well.
[[nodiscard]] Result<void> keep_warm(const std::string& directory, const UniqueFd& volume,
                                     const Outcome& outcome, ByteCount most);

}  // namespace sandpit
