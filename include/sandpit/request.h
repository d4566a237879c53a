// What the caller asks for. Public.
//
//   Request request{.source = SourceFile{"examples/hello.py"}, .args = {"world"}};
//   request.limits.memory = ByteCount::mib(64);
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sandpit/limits.h"

namespace sandpit {

// A file of the host, read by the library with the caller's rights and copied into the jail. A
// directory is copied whole, without what is no plain file and without names that begin with a dot;
// Request::entry then names the main file.
struct SourceFile {
  std::string path;
};

// The program's text itself; `name` is the file name that it gets inside (empty: the runtime's
// default).
struct SourceText {
  std::string text;
  std::string name;
};

// A command of the host, run in the jail instead of a source file (`sandpit exec`).
struct HostCommand {
  std::vector<std::string> argv;
};

using Source = std::variant<SourceFile, SourceText, HostCommand>;

// One more file beside the source in the work directory: of the host, or the text itself.
struct ExtraFile {
  std::string name;  // relative to the work directory: "util.h", "lib/parse.c"
  std::variant<SourceFile, SourceText> content;
};

enum class Access : std::uint8_t { kRead, kReadWrite };

// A path of the host that the run may see. `inside` empty: at the same path.
struct PathGrant {
  std::string host;
  std::string inside;
  Access access = Access::kRead;
};

enum class NetworkMode : std::uint8_t {
  kNone,      // an empty network namespace, no interface up
  kLoopback,  // a private loopback interface
  kAllow,     // a private loopback, and the hosts of a list through a proxy outside
  kHost,      // the host's network
};

enum class LintLevel : std::uint8_t { kOff, kWarn, kDeny };

struct StdinEmpty {};  // the program reads end of file at once
struct StdinBytes {
  std::string bytes;
};  // these bytes, then end of file
struct StdinFile {
  std::string path;
};  // a file of the host, read with the caller's rights
struct StdinStream {};  // Run::write_stdin feeds it, Run::close_stdin ends it
struct StdinDescriptor {
  int fd;
};  // read from a descriptor of the caller's (not closed)
using Stdin = std::variant<StdinEmpty, StdinBytes, StdinFile, StdinStream, StdinDescriptor>;

struct Request {
  Source source;
  std::string entry;              // the main file of a source directory, relative to it
  std::vector<ExtraFile> files;   // more sources, headers, data
  std::string runtime;            // name or alias, "python@3.11"; empty: by extension, then "#!"
  std::vector<std::string> args;  // the program's arguments
  Stdin input;
  LimitOverrides limits;                   // win over every layer of the configuration
  std::vector<PathGrant> paths;            // added to the configuration's allowed_paths
  std::map<std::string, std::string> env;  // added to the configuration's env
  std::optional<NetworkMode> network;      // with `hosts` and without it: kAllow
  std::vector<std::string> hosts;  // of kAllow: "HOST[:PORT]", "10.0.0.0/8:5432", "[::1]:80"
  std::optional<LintLevel> lint;
  std::optional<bool> report_denials;  // list what was denied (Outcome::denials)
  bool trace = false;                  // list file accesses that failed (Outcome::files_traced);
                                       // slows the program down, and starts it cold
  std::string chdir;                   // working directory inside; empty: the private one
  // WebAssembly: call this exported function with `args` as its typed arguments, and print its
  // results; empty: the program's own entry point.
  std::string invoke;
  // Runs of one domain may be served by the same warm process, one after the other; runs of
  // different domains never are.
  std::string trust_domain;
  bool cold = false;    // start the interpreter anew, even where one is waiting
  bool check = false;   // load, validate and screen; run nothing
  std::string out_dir;  // copy what was made to this directory, through no link; empty: don't
};

}  // namespace sandpit
