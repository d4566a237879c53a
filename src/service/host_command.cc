#include "service/host_command.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "policy/inside_path.h"
#include "runtime/interpreter.h"
#include "runtime/read_head.h"
#include "runtime/shebang.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

// Nothing is known of the command, so there is room for the hungriest interpreter that we know of
// (Node: 10 tasks and 21 descriptors of its own) and a shell around it.
constexpr std::uint32_t kHelperTasks = 12;
constexpr std::uint32_t kHelperFiles = 32;
constexpr std::size_t kHeadBytes = 512;  // the kernel reads 256 of a "#!" line

// The file alone where its tree holds the working directory inside, which it would hide, or the
// caller's current directory, which is shown only when it is granted.
std::vector<std::string> trees_beside(const std::string& real, const std::string& working_dir,
                                      const LookupContext& context) {
  const std::string here = real_path(context.cwd);
  std::vector<std::string> trees = toolchain_trees(real, context);
  for (std::string& tree : trees) {
    if (is_within(working_dir, tree) || is_within(here, tree)) tree = real;
  }
  return trees;
}

void append_interpreter(const Shebang& shebang, const LookupContext& context, Step& step) {
  const std::optional<FoundProgram> interpreter =
      find_interpreter(shebang.path, context, "pyvenv.cfg");
  if (!interpreter) return;  // the kernel will say so
  step.read_only_paths.insert(step.read_only_paths.end(), interpreter->trees.begin(),
                              interpreter->trees.end());
  // The kernel starts it by the very path in the script, which may be a link that no tree covers.
  if (interpreter->path != shebang.path && !is_below_usr(shebang.path))
    step.read_only_paths.push_back(shebang.path);
}

}  // namespace

Result<Step> plan_host_command(const HostCommand& command, const std::vector<std::string>& args,
                               const std::string& working_dir, const LookupContext& context) {
  if (command.argv.empty() || command.argv.front().empty()) {
    return fail({.code = ErrorCode::kUsage, .message = "no command given"});
  }
  const std::string& name = command.argv.front();
  const std::optional<std::string> path = find_in_path(name, context);
  const std::string real = path ? real_path(*path) : std::string();
  if (real.empty()) {
    return fail(
        {.code = ErrorCode::kNoRuntime,
         .message = fmt::format("no command '{}': it is not there, or not an executable file",
                                printable(name))});
  }
  Step step;
  step.read_only_paths = trees_beside(real, working_dir, context);
  step.argv.push_back(visible_name(*path, real, step.read_only_paths));
  step.argv.insert(step.argv.end(), command.argv.begin() + 1, command.argv.end());
  step.argv.insert(step.argv.end(), args.begin(), args.end());
  if (const std::optional<Shebang> shebang = parse_shebang(read_head(real, kHeadBytes)))
    append_interpreter(*shebang, context, step);
  step.syscall_profile = "native";
  step.helper_tasks = kHelperTasks;
  step.helper_files = kHelperFiles;
  // Commands of the host may be compilers and build tools, which run what they make.
  step.executable_work_dir = true;
  return step;
}

}  // namespace sandpit
