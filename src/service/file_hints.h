// Which files of the host the failed accesses of a traced run were about, and the options that let
// a run have them. In the process that asked for the run, with its rights: it learns nothing that
// it could not look up itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"

namespace sandpit {

class FileHints {
 public:
  // `current_directory`: where relative names of the host start from.
  FileHints(const Plan& plan, std::string current_directory);

  // Fills `hint` and `grant` in, and puts what has them first.
  void explain(FileTrace& trace) const;

 private:
  void explain_one(FileAccess& access) const;
  [[nodiscard]] const Mount* granted_over(std::string_view path) const;

  std::string work_dir_;
  std::string current_directory_;
  std::vector<Mount> granted_;
};

// Before the plan is moved away; nothing to do for a run that is not traced.
[[nodiscard]] FileHints hints_for(const Plan& plan);

// "--read /data:/work/data", as a shell takes it; empty for a name that can't be shown.
[[nodiscard]] std::string option_for(const PathGrant& grant);

}  // namespace sandpit
