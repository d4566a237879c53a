#include "cli/small_options.h"

#include <fmt/format.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/help_formatter.h"
#include "sandpit/error.h"

namespace sandpit::cli {

Result<SmallOptions> parse_small(const SmallCommand& command,
                                 std::span<const std::string> arguments) {
  SmallOptions options;
  CLI::App app(command.description, "sandpit");
  app.formatter(std::make_shared<HelpFormatter>(command.usage));
  if ((command.flags & kFlagJson) != 0) app.add_flag("--json", options.json, "print JSON");
  if ((command.flags & kFlagSarif) != 0) {
    app.add_flag("--sarif", options.sarif, "print SARIF 2.1.0")->excludes("--json");
  }
  if ((command.flags & kFlagRemove) != 0)
    app.add_flag("--remove", options.remove, "take the trust back");
  if ((command.flags & kFlagProve) != 0) {
    app.add_flag(
        "--prove", options.prove,
        "also run the harmless attacks outside of the sandbox, to show that they are real");
  }
  if ((command.flags & kFlagOutput) != 0) {
    app.add_option("-o,--output", options.output, "write the report there, as JSON")
        ->type_name("FILE");
  }
  if ((command.flags & kFlagConfig) != 0) {
    app.add_option("--config", options.config, "use this file, in the project file's place")
        ->type_name("PATH");
    app.add_option("--profile", options.profile,
                   "development, production, strict or one of the configuration's")
        ->type_name("NAME");
  }
  if ((command.flags & kFlagRuntime) != 0) {
    app.add_option("--runtime", options.runtime,
                   "the language, when extension, #! line and first bytes don't tell")
        ->type_name("NAME");
  }
  if (command.max_words != 0) {
    app.add_option("words", options.words)
        ->expected(0, static_cast<int>(command.max_words))
        ->group("");
  }
  const auto bad = [&](std::string message) {
    return fail(Error{.code = ErrorCode::kUsage,
                      .message = std::move(message),
                      .where = {},
                      .hint = command.usage});
  };
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    options.help = app.help();
    return options;
  } catch (const CLI::Error& error) {
    return bad(error.what());
  }
  if (options.words.size() < command.min_words) return bad("something is missing");
  return options;
}

}  // namespace sandpit::cli
