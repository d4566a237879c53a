// Embeds Sandpit: runs a small Python program in the jail, shows its output as it comes, then what
// it used.
//
// With CMake: see CMakeLists.txt beside this file. With pkg-config, after `make install PREFIX=$P`:
//   export PKG_CONFIG_PATH=$P/lib/pkgconfig
//   g++ -std=c++23 main.cc $(pkg-config --cflags --libs sandpit) -Wl,-rpath,$(pkg-config
//   --variable=libdir sandpit)
#include <sandpit/sandpit.h>

#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view kProgram = R"(
import sys, time
for i in range(3):
    print("hello from the jail,", sys.argv[1], i, flush=True)
    time.sleep(0.05)
print("done", file=sys.stderr)
)";

int complain(const sandpit::Error& error) {
  std::cerr << "embed: " << error.to_string() << '\n';
  return 1;
}

}  // namespace

int main() {
  // Config::defaults() refuses a run whose limits can't be enforced exactly. For a demonstration
  // that works on any host, weaker memory and CPU limits are allowed by name; the Outcome says what
  // was used.
  sandpit::Config config = sandpit::Config::defaults();
  config.settings().security.allow_degraded = {"memory", "cpu_time"};

  auto sandbox = sandpit::Sandbox::create(std::move(config));
  if (!sandbox) return complain(sandbox.error());

  sandpit::Request request;
  request.source = sandpit::SourceText{.text = std::string(kProgram), .name = "hello.py"};
  request.runtime = "python";
  request.args = {"embedder"};
  request.limits.memory = sandpit::ByteCount::mib(128);

  auto run = sandbox->start(request, [](sandpit::OutputStream stream, std::string_view bytes) {
    (stream == sandpit::OutputStream::kStdout ? std::cout : std::cerr) << bytes << std::flush;
  });
  if (!run) return complain(run.error());

  const auto outcome = run->wait();
  if (!outcome) return complain(outcome.error());

  std::cout << "status: " << sandpit::to_string(outcome->status) << ", exit code "
            << outcome->exit_code << '\n'
            << "wall time: " << outcome->wall_time.count() / 1000
            << " ms, cpu time: " << outcome->cpu_time.count() / 1000
            << " ms, peak memory: " << outcome->peak_memory.count() / 1024 << " KiB\n";
  for (const auto& [limit, mechanism] : outcome->enforcement)
    std::cout << "  " << limit << ": " << mechanism << '\n';
  if (!outcome->message.empty()) std::cout << outcome->message << '\n';
  return sandpit::exit_status(*outcome);
}
