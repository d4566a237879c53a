// The command line of `sandpit batch`. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "batch/batch.h"
#include "batch/result_sink.h"
#include "batch/results_file.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::cli {

struct BatchArguments {
  std::string help;     // not empty: print it and do nothing else
  std::string tasks;    // "-": standard input
  std::string results;  // empty: standard output
  batch::Existing existing = batch::Existing::kRefuse;
  batch::Order order = batch::Order::kCompletion;
  batch::OnFailure on_failure = batch::OnFailure::kGoOn;
  unsigned jobs = 0;  // 0: one for each processor
  std::optional<ByteCount> memory_budget;
  double overcommit = 1;
  bool quiet = false;
  std::string config;
  std::string profile;
  Request defaults;  // for tasks that say nothing else
};

[[nodiscard]] Result<BatchArguments> parse_batch(std::span<const std::string> arguments,
                                                 const std::string& current_directory);

// "--jobs", "--memory" …: for the tests of completions and man page.
[[nodiscard]] std::vector<std::string> batch_option_names();

}  // namespace sandpit::cli
