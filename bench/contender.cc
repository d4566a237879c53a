#include "bench/contender.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bench/arguments.h"
#include "bench/command.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"

namespace sandpit::bench {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class CommandContender final : public Contender {
 public:
  CommandContender(std::string name, Command command, std::string output)
      : name_(std::move(name)), command_(std::move(command)), output_(std::move(output)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Result<Nanoseconds> run_once() override {
    SP_TRY(const Finished finished, command_.run());
    const std::string said = first_line(command_.last_error_text());
    if (finished.timed_out) return fail({.message = fmt::format("did not end in time; {}", said)});
    if (WIFSIGNALED(finished.status)) {
      return fail({.message = fmt::format("signal {}; {}", WTERMSIG(finished.status), said)});
    }
    if (WEXITSTATUS(finished.status) != 0) {
      return fail({.message = fmt::format("status {}; {}", WEXITSTATUS(finished.status), said)});
    }
    if (finished.output != output_) {
      return fail({.message = fmt::format("wrote \"{}\"; {}", first_line(finished.output), said)});
    }
    return finished.elapsed;
  }

 private:
  std::string name_;
  Command command_;
  std::string output_;
};

class LibraryContender final : public Contender {
 public:
  LibraryContender(std::string name, const Sandbox& sandbox, Request request, std::string output)
      : name_(std::move(name)),
        sandbox_(&sandbox),
        output_(std::move(output)),
        request_(std::move(request)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Result<Nanoseconds> run_once() override {
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = sandbox_->run(request_);
    const Nanoseconds elapsed = std::chrono::steady_clock::now() - begin;
    if (std::string problem = problem_of(outcome, output_); !problem.empty()) {
      return fail({.message = std::move(problem)});
    }
    return elapsed;
  }

 private:
  std::string name_;
  const Sandbox* sandbox_;
  std::string output_;
  Request request_;
};

}  // namespace

std::string problem_of(const Result<Outcome>& outcome, const std::string& output) {
  if (!outcome) return first_line(outcome.error().to_string());
  if (outcome->status != Status::kExited || outcome->exit_code != 0) {
    return fmt::format("{} {}; {} {}", to_string(outcome->status), outcome->exit_code,
                       first_line(outcome->message), first_line(outcome->stderr_text));
  }
  if (outcome->stdout_text != output) {
    return fmt::format("wrote \"{}\"", first_line(outcome->stdout_text));
  }
  return {};
}

Result<std::unique_ptr<Contender>> make_contender(const CaseArguments& told, const Sandbox* sandbox,
                                                  const Expectation& expected) {
  if (told.kind != CaseArguments::Kind::kCommand) {
    if (sandbox == nullptr) return fail({.message = "no sandbox"});
    SP_TRY(Request request, request_of(told));
    return std::make_unique<LibraryContender>(told.name, *sandbox, std::move(request),
                                              expected.output);
  }
  SP_TRY(Command command, Command::create(told.argv, told.mount_namespace, expected.patience));
  return std::make_unique<CommandContender>(told.name, std::move(command), expected.output);
}

Result<Request> request_of(const CaseArguments& told) {
  Request request;
  if (told.kind != CaseArguments::Kind::kModule) {
    request.source = HostCommand{told.argv};
    return request;
  }
  const std::string& path = told.argv.front();
  std::ifstream file(path, std::ios::binary);
  SourceText module{.text = {std::istreambuf_iterator<char>(file), {}},
                    .name = path.substr(path.rfind('/') + 1)};
  if (!file.is_open() || file.bad()) return fail({.message = "can't read " + path});
  request.source = std::move(module);
  request.args.assign(told.argv.begin() + 1, told.argv.end());
  return request;
}

Result<Sandbox> make_sandbox(const std::string& allow_degraded, const WarmOptions& warm) {
  Config config = Config::defaults();
  std::istringstream words(allow_degraded);
  for (std::string word; std::getline(words, word, ',');) {
    config.settings().security.allow_degraded.push_back(word);
  }
  return Sandbox::create(std::move(config), {.warm = warm});
}

}  // namespace sandpit::bench
