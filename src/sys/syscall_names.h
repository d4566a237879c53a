// The names of system calls as people write them, for who checks what was written.
#pragma once

#include <string>
#include <string_view>

namespace sandpit::sys {

// Of any architecture that we know: what another one has is no mistake, and skipped here.
[[nodiscard]] bool is_syscall_name(std::string_view name);
// For "did you mean"; empty when nothing is near.
[[nodiscard]] std::string nearest_syscall(std::string_view name);

}  // namespace sandpit::sys
