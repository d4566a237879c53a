// Templates of one launcher: interpreters that have started, each in a jail, and wait to be forked.
// Kept by the shape of the plans that they serve (plan/template_plan.h); made when a shape is first
// asked for, replaced when they die or have served long enough. Single-threaded, on the
// Supervisor's loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "engine/jail/template_link.h"
#include "plan/plan.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class TemplatePool {
 public:
  TemplatePool(Supervisor& supervisor, jail::JailEngine& engine, bool is_root);
  TemplatePool(const TemplatePool&) = delete;
  TemplatePool& operator=(const TemplatePool&) = delete;
  ~TemplatePool();

  // Where this run can be forked from now. Null when it can't, with the reason; where a template
  // would help the next one, it is being made.
  [[nodiscard]] jail::TemplateLink* find(const Plan& run, std::string& reason);
  // Call after each step of the loop: removes the dead, retires the old.
  void tidy();

 private:
  class Template;
  struct Shape {
    std::vector<std::unique_ptr<Template>> templates;
    std::chrono::steady_clock::time_point used;
    unsigned failures = 0;  // in a row, of making one
    std::chrono::steady_clock::time_point failed_at;
    std::string failure;
  };
  static bool is_over(Shape& shape, Template& item, std::chrono::steady_clock::time_point now);
  Shape& shape_for(const Plan& run);
  Result<void> make(Shape& shape, const Plan& run);
  Result<void> open_files();

  Supervisor& supervisor_;
  jail::JailEngine& engine_;
  bool is_root_;
  unsigned most_ = 1;  // of one shape
  UniqueFd library_;
  UniqueFd init_;
  std::string unavailable_;  // why there can be none at all
  bool opened_ = false;
  std::map<std::string, std::unique_ptr<Shape>> shapes_;
};

}  // namespace sandpit
