// `sandpit learn`: wires the learner to real runs, in this very process, and writes what it found.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/memory_file.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/learn_options.h"
#include "cli/output_file.h"
#include "learn/learner.h"
#include "learn/rules.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/one_shot.h"
#include "service/pipeline.h"

namespace sandpit::cli {
namespace {

constexpr std::size_t kMostSaid = 2000;

// A file that nobody else can change between two runs.
struct NamedText {
  UniqueFd file;
  std::string name;
};

Result<NamedText> named(std::string_view text) {
  NamedText made;
  SP_TRY(made.file, sealed_memory_file("sandpit-profile", text));
  made.name = fmt::format("/proc/self/fd/{}", made.file.get());
  return made;
}

Result<Config> load(const NamedText& text, const std::string& profile) {
  ConfigSources sources;
  sources.named_file = text.name;
  sources.profile = profile;
  return Config::load(sources);
}

// The program under one configuration after the other.
class Runs {
 public:
  Runs(LearnArguments& arguments, Log& log, int interrupts)
      : arguments_(arguments), log_(log), host_(probe_host()), interrupts_(interrupts) {}

  Result<learn::Ran> run(const std::string& toml, learn::Watch watch);

 private:
  LearnArguments& arguments_;
  Log& log_;
  Host host_;
  int interrupts_;
};

Result<learn::Ran> Runs::run(const std::string& toml, learn::Watch watch) {
  SP_TRY(const NamedText text, named(toml));
  SP_TRY(const Config config, load(text, arguments_.name));
  RuntimeRegistry registry;
  if (!arguments_.is_command) {
    SP_TRY(registry, load_runtimes(config, [](std::string_view) {}));
  }
  Request& request = arguments_.request;
  request.trace = watch == learn::Watch::kYes;
  SP_TRY(Prepared prepared, prepare(request, config, registry, host_.facts));
  learn::Ran ran;
  ran.limits = prepared.plan.limits;
  OneShotIo io{.input = request.input, .output = {}, .capture = true, .out_dir = {}};
  io.interrupt_fd = interrupts_;
  ran.outcome = run_one_shot(std::move(prepared), std::move(io), host_);
  if (ran.outcome.message == "interrupted") {
    return fail({.code = ErrorCode::kCancelled, .message = "interrupted"});
  }
  if (request.trace && !ran.outcome.denials_missing.empty()) {
    return fail({.code = ErrorCode::kRefused,
                 .message = "nothing can be learned here: " + ran.outcome.denials_missing});
  }
  log_.info(summary_text(ran.outcome));
  return ran;
}

std::uint64_t half_of_memory_mib() {
  const auto pages = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 1L));
  const auto page = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 1L));
  return (pages * page / 2) >> 20U;
}

void complete(learn::Rules& rules) {
  constexpr std::uint64_t kMost = 2048;
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): one thread
  rules.home = home != nullptr ? home : "";
  rules.most_memory_mib = std::min(kMost, half_of_memory_mib());
  std::error_code error;
  const auto here = std::filesystem::canonical(rules.here, error);
  rules.here = error ? "" : here.string();
}

Result<learn::Learned> learn_from(LearnArguments& arguments, Log& log, int interrupts) {
  SP_TRY(const NamedText nothing, named(""));
  SP_TRY(const Config base, load(nothing, arguments.profile));
  const std::string inherits =
      arguments.profile.empty() ? base.settings().general.default_profile : arguments.profile;
  complete(arguments.rules);
  Runs runs(arguments, log, interrupts);
  return learn::learn(
      {.run = [&](const std::string& toml, learn::Watch watch) { return runs.run(toml, watch); },
       .rules = arguments.rules,
       .name = arguments.name,
       .inherits = inherits,
       .program = arguments.program,
       .most_runs = arguments.most_runs});
}

void tell(const LearnArguments& arguments, const learn::Learned& learned, Log& log) {
  if (arguments.quiet) return;
  if (!learned.passes) {
    for (std::string_view rest = std::string_view(learned.last.stderr_text).substr(0, kMostSaid);
         !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      log.warning("  " + printable(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  if (learned.refused > 0) {
    log.warning(fmt::format("{} of its wishes were not granted: the profile says which, and why",
                            learned.refused));
  }
  const std::string file = arguments.output.empty() ? "THIS-PROFILE" : arguments.output;
  if (learned.passes) {
    log.warning(fmt::format(
        "passed with {} grants, after {} runs; review them, then: sandpit {} --config {} "
        "--profile {} {}",
        learned.granted, learned.runs, arguments.is_command ? "exec" : "run", file, arguments.name,
        printable(arguments.program)));
  } else {
    log.error(fmt::format("it does not pass with this profile, after {} runs: {}", learned.runs,
                          summary_text(learned.last)));
  }
}

}  // namespace

int learn_command(Arguments arguments, Log& log) {
  auto parsed = parse_learn(arguments, current_directory());
  if (!parsed) return report(parsed.error(), log);
  if (!parsed->help.empty()) return print(parsed->help, log);
  std::optional<OutputFile> file;
  if (!parsed->output.empty()) {
    std::error_code error;
    if (!parsed->force && std::filesystem::exists(parsed->output, error)) {
      return report({.code = ErrorCode::kUsage,
                     .message = fmt::format("{} exists", printable(parsed->output)),
                     .where = {},
                     .hint = "--force replaces it"},
                    log);
    }
    auto opened = OutputFile::open(parsed->output, parsed->force ? OutputFile::Existing::kReplace
                                                                 : OutputFile::Existing::kRefuse);
    if (!opened) return report(opened.error(), log);
    file = std::move(*opened);
  }
  const Result<UniqueFd> interrupts = interrupt_descriptor();
  if (!interrupts) return report(interrupts.error(), log);
  auto learned = learn_from(*parsed, log, interrupts->get());
  if (!learned) return report(learned.error(), log);
  if (!file) {
    if (const int status = print(learned->toml, log); status != 0) return status;
  } else if (auto written = file->write(learned->toml); !written) {
    return report(written.error(), log);
  }
  tell(*parsed, *learned, log);
  return learned->passes ? 0 : 1;
}

}  // namespace sandpit::cli
