// `sandpit exec`: a command of the host as a Step. For pipeline.cc.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/interpreter.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"

namespace sandpit {

// Finds the command as execvp(3) does, and what of the host's files beside /usr it needs: its
// tool-chain tree, and its interpreter's when it is a script. Error kNoRuntime when it is not
// found, kUsage when it is no program.
[[nodiscard]] Result<Step> plan_host_command(const HostCommand& command,
                                             const std::vector<std::string>& args,
                                             const std::string& working_dir,
                                             const LookupContext& context);

}  // namespace sandpit
