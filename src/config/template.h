// The commented configuration file that `sandpit config init` writes; examples/sandbox.toml is the
// same text.
#pragma once

#include <string>

namespace sandpit {

// Every key with its meaning and its default, all commented out: lines that begin with "#" and no
// space are settings, and the file is valid with any or all of them uncommented.
[[nodiscard]] std::string commented_template();

}  // namespace sandpit
