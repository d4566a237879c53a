// What the compile cache's key knows of a compiler: a text that changes when the compiler, or what
// it compiles with, is another one. Used by ManifestRuntime. Looks at names, sizes and times, reads
// no file.
#pragma once

#include <string>

#include "runtime/interpreter.h"

namespace sandpit {

// Of a file: changes whenever it is replaced or written to. Of one that is not there: empty.
[[nodiscard]] std::string stamp_of(const std::string& path);

// The compiler's file, the tool chain around it (two levels of its prefix), what `make install`
// puts below /usr/local for compilers to find, and the package managers' data bases for all else.
[[nodiscard]] std::string identity_of(const FoundProgram& compiler);

}  // namespace sandpit
