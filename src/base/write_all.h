// Bytes to a descriptor, whole.
#pragma once

#include <string_view>

namespace sandpit {

// All of it, whatever the descriptor's mode: EINTR is retried, a non-blocking descriptor is waited
// for. Answers 0 or the errno: EPIPE when the reader is gone (SIGPIPE must be ignored).
[[nodiscard]] int write_all(int descriptor, std::string_view bytes);

}  // namespace sandpit
