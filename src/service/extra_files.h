// What comes beside the main source: the rest of a source directory, and Request::files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandpit/request.h"
#include "sandpit/units.h"
#include "service/file_pack.h"
#include "service/source_input.h"

namespace sandpit {

// Is the request's source a directory of the host?
[[nodiscard]] bool is_source_directory(const Request& request);

// The main file of a source directory, named relative to it. kUsage when Request::entry is missing
// or leads nowhere.
[[nodiscard]] Result<SourceInput> open_entry(const Request& request);

struct ExtraFiles {
  FilePack pack;
  std::vector<std::string> names;     // of files, in order: those of the directory sorted
  std::vector<std::string> warnings;  // what was left out, and why
};

// Copies them, `main` left out. No symbolic link is followed below a directory. kUsage for bad or
// repeated names and files that can't be read; kRefused when they are too large or too many.
[[nodiscard]] Result<ExtraFiles> pack_extra_files(const Request& request, const std::string& main,
                                                  ByteCount most, const std::string& tmp_dir);

}  // namespace sandpit
