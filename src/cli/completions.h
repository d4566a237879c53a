// The shell completions of docs/completions/, built in.
#pragma once

#include <string_view>

namespace sandpit::cli {

// For "bash", "zsh" or "fish"; empty for anything else.
[[nodiscard]] std::string_view completion_script(std::string_view shell);

}  // namespace sandpit::cli
