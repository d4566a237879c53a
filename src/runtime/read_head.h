// The first bytes of a file of the host. Plain system calls: a first std::ifstream costs a tenth of
// a jail's start.
#pragma once

#include <cstddef>
#include <string>

namespace sandpit {

// At most `most` bytes; empty when it can't be read or is no regular file. Never blocks.
[[nodiscard]] std::string read_head(const std::string& path, std::size_t most);

}  // namespace sandpit
