// An errno as a sentence, for messages. Thread-safe, untranslated.
#pragma once

#include <string>

namespace sandpit {

// "No such file or directory"; "error 9999" where there is no such number. A number that comes from
// another process may be anything.
[[nodiscard]] std::string errno_text(int errno_value);

}  // namespace sandpit
