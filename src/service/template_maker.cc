#include "service/template_maker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "base/own_path.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/channels.h"
#include "engine/jail/jail.h"
#include "engine/warm/run_image.h"
#include "plan/plan.h"
#include "plan/template_plan.h"
#include "sandpit/error.h"
#include "service/interpreter_template.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

Result<std::string> text_of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!file.valid() || ::fstat(file.get(), &status) < 0) return fail(errno_error(path, errno));
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != status.st_size) {
    return fail(errno_error(path, errno));
  }
  return bytes;
}

// Of the program; empty when it is not directly in there.
std::string name_in_work_dir(const Plan& run) {
  const std::string directory = run.work_dir + "/";
  if (!run.warm->source.starts_with(directory)) return {};
  std::string name = run.warm->source.substr(directory.size());
  return name.find('/') == std::string::npos ? name : std::string{};
}

Result<UniqueFd> file_in_memory(const std::string& path) {
  SP_TRY(const std::string bytes, text_of(path));
  return sealed_memory_file("libsandpit_warm", bytes);
}

}  // namespace

TemplateMaker::TemplateMaker(Supervisor& supervisor, jail::JailEngine& engine)
    : supervisor_(supervisor), engine_(engine) {}

const Result<void>& TemplateMaker::open() {
  if (!opened_) opened_ = open_files();
  return *opened_;
}

Result<void> TemplateMaker::open_files() {
  const auto path = [](const char* name, const char* variable) -> Result<std::string> {
    std::string found = find_own_program(name, variable);
    if (found.empty()) {
      return fail({.message = fmt::format("libexec/sandpit/{} is missing", name)});
    }
    return found;
  };
  SP_TRY(const std::string library, path("libsandpit_warm.so", "SANDPIT_WARM_LIBRARY"));
  SP_TRY(const std::string init, path("warm-init", "SANDPIT_WARM_INIT"));
  SP_TRY(library_, file_in_memory(library));
  init_ = UniqueFd(::open(init.c_str(), O_RDONLY | O_CLOEXEC));
  if (!init_.valid()) return fail(errno_error(init, errno));
  return {};
}

Result<std::unique_ptr<InterpreterTemplate>> TemplateMaker::make(const Plan& run) {
  Plan plan = template_plan(run);
  std::vector<UniqueFd> inputs;
  std::vector<std::string> own;
  if (!run.warm->prelude.empty()) {
    Mount& prelude = plan.mounts.back();
    SP_TRY(prelude.content, text_of(run.warm->prelude));
    own.push_back(fmt::format("{}={}", warm::kPreludeVariable, prelude.target));
  }
  const auto handed = [&plan](const char* name, int number) {
    plan.inputs.push_back({.name = name, .as_descriptor = static_cast<std::uint32_t>(number)});
  };
  SP_TRY(jail::SocketPair control, jail::socket_pair());
  handed("control", warm::kControlDescriptor);
  handed("init", warm::kInitDescriptor);
  handed("library", warm::kLibraryDescriptor);
  UniqueFd rehearsal;
  if (const std::string name = name_in_work_dir(run);
      !run.warm->rehearsal.empty() && !name.empty()) {
    SP_TRY(const std::string text, text_of(run.warm->rehearsal));
    SP_TRY(rehearsal, sealed_memory_file("rehearsal", text));
    plan.inputs.push_back({.name = name, .mode = 0644, .size = text.size()});
    own.push_back(fmt::format("{}={}", warm::kRehearsalVariable, run.warm->source));
  }
  std::string forget;
  for (const std::string& entry : run.warm->env) forget += entry.substr(0, entry.find('=')) + ",";
  own.push_back(fmt::format("LD_PRELOAD=/proc/self/fd/{}", warm::kLibraryDescriptor));
  own.push_back(fmt::format("{}={}", warm::kTriggerVariable, run.warm->trigger));
  own.push_back(fmt::format("{}={}", warm::kForgetVariable, forget));
  if (run.warm->args_in_argv) own.push_back(fmt::format("{}=1", warm::kArgumentsVariable));
  // First, because that is where getenv(3) looks first.
  plan.env.insert(plan.env.begin(), own.begin(), own.end());
  inputs.push_back(std::move(control.child));
  for (const UniqueFd* file : {&init_, &library_}) {
    inputs.emplace_back(::fcntl(file->get(), F_DUPFD_CLOEXEC, 3));
    if (!inputs.back().valid()) return fail(errno_error("dup", errno));
  }
  if (rehearsal.valid()) inputs.push_back(std::move(rehearsal));
  auto made = std::make_unique<InterpreterTemplate>(supervisor_, std::move(control.host));
  SP_TRY_VOID(made->start(engine_, std::move(plan), std::move(inputs)));
  return made;
}

}  // namespace sandpit
