#include "cli/batch_options.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "batch/batch.h"
#include "batch/result_sink.h"
#include "batch/results_file.h"
#include "cli/help_formatter.h"
#include "cli/shared_options.h"
#include "cli/values.h"
#include "config/suggest.h"
#include "sandpit/error.h"

namespace sandpit::cli {
namespace {

constexpr const char* kUsage = "sandpit batch [options] TASKS.jsonl";
constexpr std::uint32_t kMostJobs = 1024;
constexpr double kMostOvercommit = 1000;

struct RawBatch {
  std::string results, jobs, memory_budget, overcommit, runtime, config, profile;
  RawLimits limits;
  RawAccess access;
  std::vector<std::string> words;
  bool ordered = false, resume = false, force = false, fail_fast = false, cold = false,
       quiet = false;
};

void build(CLI::App& app, RawBatch& raw) {
  constexpr const char* kGroup = "Options";
  app.description("Run many programs, one for each line of a file.");
  app.formatter(std::make_shared<HelpFormatter>(kUsage));
  const auto text = [&](const char* name, std::string& value, const char* type, const char* help) {
    add_text(app, name, value, type, help, kGroup);
  };
  text("-o,--output", raw.results, "RESULTS.jsonl", "write results there, not to standard output");
  text("-j,--jobs", raw.jobs, "N", "run so many at a time (default: one for each processor)");
  add_flag(app, "--ordered", raw.ordered, "results in the order of the tasks", kGroup);
  add_flag(app, "--resume", raw.resume, "go on with a results file: skip the ids that it has",
           kGroup);
  add_flag(app, "--force", raw.force, "begin a results file that exists anew", kGroup);
  add_flag(app, "--fail-fast", raw.fail_fast, "begin nothing more after the first failure", kGroup);
  add_flag(app, "--cold", raw.cold, "start each interpreter anew", kGroup);
  text("--memory-budget", raw.memory_budget, "SIZE",
       "memory for all that runs at one time (default: what is available)");
  text("--overcommit", raw.overcommit, "FACTOR", "promise so many times the budget (default: 1)");
  text("--runtime", raw.runtime, "NAME[@VERSION]", "the language of tasks that name none");
  text("--lint", raw.access.lint, "LEVEL", "off, warn or deny what lint finds");
  text("--config", raw.config, "PATH", "use this configuration file, in the project file's place");
  text("--profile", raw.profile, "NAME",
       "development, production, strict or one of the configuration's");
  add_limit_options(app, raw.limits, CompileLimits::kTaken);
  add_access_options(app, raw.access);
  add_flag(app, "-q,--quiet", raw.quiet, "no warnings, no progress, no summary");
  app.add_option("words", raw.words)->group("");
  app.footer(
      "\nLimits are for tasks that have none of their own. TASKS is - for standard input.\n"
      "A line: {\"id\": 1, \"runtime\": \"python\", \"source\": \"print(1)\"}. See docs/batch.md.");
}

Result<double> parse_factor(std::string_view text) {
  double factor = 0;
  try {
    std::size_t used = 0;
    factor = std::stod(std::string(text), &used);
    if (used != text.size()) factor = 0;
  } catch (const std::exception&) {
    factor = 0;
  }
  if (std::isfinite(factor) && factor > 0 && factor <= kMostOvercommit) return factor;
  return fail(usage_error(fmt::format("\"{}\" is not a usable factor", text),
                          fmt::format("a number above 0, at most {}", kMostOvercommit)));
}

Result<unsigned> parse_jobs(std::string_view text) {
  SP_TRY(const std::uint32_t jobs, parse_count(text, 1));
  if (jobs <= kMostJobs) return jobs;
  return fail(
      usage_error(fmt::format("\"{}\" are too many", text), fmt::format("at most {}", kMostJobs)));
}

// An unknown option lands among the words; nothing else that begins with a dash is a name.
Result<void> check_words(const RawBatch& raw, const CLI::App& app) {
  for (const std::string& word : raw.words) {
    if (word.size() < 2 || word.front() != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> names = long_names(app);
    const std::vector<std::string_view> known(names.begin(), names.end());
    return fail(usage_error(fmt::format("unknown option {}", name), suggestion(name, known)));
  }
  if (raw.words.empty()) return fail(usage_error("no file of tasks", kUsage));
  if (raw.words.size() > 1) {
    return fail(usage_error(fmt::format("\"{}\": one file of tasks, not more", raw.words[1]),
                            "cat A.jsonl B.jsonl | sandpit batch -"));
  }
  return {};
}

Result<batch::Existing> existing_of(const RawBatch& raw) {
  if (raw.resume && raw.force) {
    return fail(usage_error("--resume and --force contradict each other", {}));
  }
  if (raw.resume && raw.results.empty()) {
    return fail(usage_error("--resume needs the results file of the first time", "-o RESULTS"));
  }
  if (raw.resume) return batch::Existing::kResume;
  return raw.force ? batch::Existing::kReplace : batch::Existing::kRefuse;
}

Result<BatchArguments> to_arguments(const RawBatch& raw, const std::string& current_directory) {
  BatchArguments parsed;
  SP_TRY(parsed.existing, existing_of(raw));
  Values values;
  std::optional<unsigned> jobs;
  std::optional<double> overcommit;
  values.set(jobs, "--jobs", raw.jobs, parse_jobs);
  values.set(overcommit, "--overcommit", raw.overcommit, parse_factor);
  values.set(parsed.memory_budget, "--memory-budget", raw.memory_budget,
             [](const std::string& text) { return parse_size(text); });
  set_limits(raw.limits, parsed.defaults.limits, values);
  set_access(raw.access, current_directory, parsed.defaults, values);
  if (values.error()) return fail(*values.error());
  parsed.jobs = jobs.value_or(0);
  parsed.overcommit = overcommit.value_or(1);
  parsed.tasks = raw.words.front();
  parsed.results = raw.results;
  parsed.defaults.runtime = raw.runtime;
  parsed.defaults.cold = raw.cold;
  if (raw.ordered) parsed.order = batch::Order::kInput;
  if (raw.fail_fast) parsed.on_failure = batch::OnFailure::kStop;
  parsed.quiet = raw.quiet;
  parsed.config = raw.config;
  parsed.profile = raw.profile;
  return parsed;
}

}  // namespace

Result<BatchArguments> parse_batch(std::span<const std::string> arguments,
                                   const std::string& current_directory) {
  RawBatch raw;
  CLI::App app("", "sandpit");
  build(app, raw);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return BatchArguments{.help = app.help()};
  } catch (const CLI::ExtrasError&) {
    raw.words = app.remaining();
  } catch (const CLI::Error& error) {
    return fail(usage_error(error.what(), {}));
  }
  SP_TRY_VOID(check_empty_values(arguments, app));
  SP_TRY_VOID(check_words(raw, app));
  return to_arguments(raw, current_directory);
}

std::vector<std::string> batch_option_names() {
  RawBatch raw;
  CLI::App app("", "sandpit");
  build(app, raw);
  return long_names(app);
}

}  // namespace sandpit::cli
