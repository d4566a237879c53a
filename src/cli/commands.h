// One function for each subcommand: arguments after its name in, exit status out. Called by main()
// only, which made `log`.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "cli/options.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"

namespace sandpit::cli {

using Arguments = std::span<const std::string>;

[[nodiscard]] int run_command(Subcommand subcommand, Arguments arguments, Log& log);
[[nodiscard]] int learn_command(Arguments arguments, Log& log);
[[nodiscard]] int batch_command(Arguments arguments, Log& log);
[[nodiscard]] int check_command(Arguments arguments, Log& log);
[[nodiscard]] int runtimes_command(Arguments arguments, Log& log);
[[nodiscard]] int attest_command(Arguments arguments, Log& log);
[[nodiscard]] int doctor_command(Arguments arguments, Log& log);
[[nodiscard]] int config_command(Arguments arguments, Log& log);
[[nodiscard]] int trust_command(Arguments arguments, Log& log);
[[nodiscard]] int completion_command(Arguments arguments, Log& log);

// The exit status that an error means (DESIGN.md section 7).
[[nodiscard]] int exit_status(ErrorCode code);
// Says what is wrong; answers its exit status.
[[nodiscard]] int report(const Error& error, Log& log);
// Writes to stdout; answers 0, or 125 when it can't (a reader that went away is no error).
[[nodiscard]] int print(std::string_view text, Log& log);
// Each problem of each manifest in a line of its own.
void warn_of_bad_manifests(const std::vector<Error>& errors,
                           const std::function<void(std::string_view)>& warn);
// All runtimes of this machine; a bad manifest is warned of. Error kUsage when the configuration
// names one that does not exist.
[[nodiscard]] Result<RuntimeRegistry> load_runtimes(
    const Config& config, const std::function<void(std::string_view)>& warn);
// The name the command line is called from: relative paths start there. "/" when it no longer
// exists.
[[nodiscard]] std::string current_directory();

}  // namespace sandpit::cli
