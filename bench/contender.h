// One way of running a command: bare, through a peer's program, or through our library. A run that
// does not end with status 0 and exactly the expected output is a failure, never a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/arguments.h"
#include "bench/command.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"

namespace sandpit::bench {

class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  // The time of one run; an error says how it failed.
  [[nodiscard]] virtual Result<Nanoseconds> run_once() = 0;
};

struct Expectation {
  std::string output;
  std::chrono::seconds patience{30};
};

// The sandbox may be null when the case is a command.
[[nodiscard]] Result<std::unique_ptr<Contender>> make_contender(const CaseArguments& told,
                                                                const Sandbox* sandbox,
                                                                const Expectation& expected);

// Our library with the built-in configuration (profile production), or with the weaker enforcement
// that the words of a comma-separated list allow.
[[nodiscard]] Result<Sandbox> make_sandbox(const std::string& allow_degraded,
                                           const WarmOptions& warm = {});

// What a case asks the library for; a module is read now, as a host program that runs it often
// would keep it.
[[nodiscard]] Result<Request> request_of(const CaseArguments& told);

// How an Outcome differs from "exited with 0 and wrote `output`"; empty when it does not.
[[nodiscard]] std::string problem_of(const Result<Outcome>& outcome, const std::string& output);

}  // namespace sandpit::bench
