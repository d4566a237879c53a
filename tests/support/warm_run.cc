// `sandpit run --json`, but through the library, and in a process forked from a template wherever
// its runtime has one: the suites run a second time with it (SANDPIT_TEST_WARM).
//
//   warm_run run --json [OPTIONS] -- FILE [ARGS]
//
// Exit 99 when a runtime that has templates did not start warm: the suite must not pass for that.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "cli/options.h"
#include "codec/outcome_json.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"

using namespace sandpit;

namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "warm_run: %s\n", error.to_string().c_str());
  return error.code == ErrorCode::kRefused ? 125 : 2;
}

// Runs empty programs of the same name until one starts warm. False: it never does, for a reason
// that does not pass.
bool bring_up(const Sandbox& sandbox, const Request& request) {
  const auto* file = std::get_if<SourceFile>(&request.source);
  if (file == nullptr || !request.entry.empty()) return false;
  Request empty = request;
  const std::string name = file->path.substr(file->path.rfind('/') + 1);
  // What is not forked waits for runs with the same limits.
  const bool once = name.ends_with(".java");
  const char* const nothing = "class Empty { public static void main(String[] a) {} }\n";
  empty.source = SourceText{.text = once ? nothing : "\n", .name = name};
  empty.input = StdinEmpty{};
  if (!once) empty.limits = {};
  for (int i = 0; i < 600; ++i) {
    const auto outcome = sandbox.run(empty);
    if (!outcome) return false;  // no text can be a program of this runtime (native)
    if (outcome->start == "warm") return true;
    const std::string& reason = outcome->start_reason;
    if (reason.empty() || reason == "the host's network was granted" ||
        reason == "paths of the host were granted") {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 2, argv + argc);
  char here[4096] = {};
  if (::getcwd(here, sizeof here) == nullptr) return 2;
  auto options = cli::parse_options(cli::Subcommand::kRun, words, here);
  if (!options) return complain(options.error().error);
  ConfigSources sources;
  if (!options->config.empty()) sources.named_file = options->config;
  sources.profile = options->profile;
  auto config = Config::load(sources);
  if (!config) return complain(config.error());
  auto sandbox = Sandbox::create(std::move(*config));
  if (!sandbox) return complain(sandbox.error());
  const bool expected = bring_up(*sandbox, options->request);
  const auto outcome = sandbox->run(options->request);
  if (!outcome) return complain(outcome.error());
  std::fputs(outcome_to_json(*outcome).c_str(), stdout);
  if (expected && outcome->start != "warm" && outcome->status != Status::kRefused) {
    std::fprintf(stderr, "warm_run: cold, because %s\n", outcome->start_reason.c_str());
    return 99;
  }
  return exit_status(*outcome);
}
