#include "service/compile_step.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "engine/artefact_cache.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"
#include "service/beneath.h"
#include "service/file_pack.h"

namespace sandpit {
namespace {

constexpr int kDeepest = 32;
// The table of contents and the compiler's messages come on top of the files.
constexpr ByteCount kTable = ByteCount::mib(16);

// Copies outputs out of the hostile work directory.
class Collector {
 public:
  explicit Collector(FilePack& into) : into_(into) {}

  Result<void> entry(int directory, const std::string& name, const std::string& path, int depth) {
    struct stat status{};  // NOLINT(misc-include-cleaner): it is in a part of sys/stat.h
    const UniqueFd handle = look_beneath(directory, name.c_str(), status);
    if (!handle.valid()) return fail(bad(path, "is not there"));
    if (S_ISDIR(status.st_mode)) {
      if (depth >= kDeepest) return fail(bad(path, "is nested too deeply"));
      SP_TRY_VOID(into_.add_directory(path));
      const UniqueFd below = open_directory_beneath(directory, name.c_str());
      if (!below.valid()) return fail(bad(path, "can't be read"));
      SP_TRY(const std::vector<std::string> names, names_in(below, FilePack::kMostEntries));
      for (const std::string& next : names) {
        SP_TRY_VOID(entry(below.get(), next, fmt::format("{}/{}", path, next), depth + 1));
      }
      return {};
    }
    if (!S_ISREG(status.st_mode)) return fail(bad(path, "is neither a file nor a directory"));
    const UniqueFd file = open_file_beneath(directory, name.c_str(), status);
    if (!file.valid()) return fail(bad(path, "can't be read"));
    const bool executable = (status.st_mode & S_IXUSR) != 0;
    return into_.add_file(path, executable ? 0755 : 0644, file.get(),
                          static_cast<std::uint64_t>(status.st_size));
  }

 private:
  static Error bad(const std::string& path, std::string_view what) {
    return {.code = ErrorCode::kRefused,
            .message = fmt::format("the compiler's output '{}' {}", printable(path), what)};
  }
  FilePack& into_;
};

Result<FilePack> collect(const PreparedCompile& compile, const UniqueFd& volume) {
  SP_TRY(UniqueFd store, memory_file("sandpit-program"));
  FilePack pack(std::move(store), compile.most);
  const UniqueFd work = open_directory_beneath(volume.get(), "work");
  if (!work.valid()) {
    return fail({.code = ErrorCode::kSystem, .message = "the compiler's work directory is gone"});
  }
  Collector collector(pack);
  for (const std::string& output : compile.outputs)
    SP_TRY_VOID(collector.entry(work.get(), output, output, 0));
  return pack;
}

// The compiler's messages, which are told again when the result comes from the cache.
std::string note_of(const Outcome& outcome) {
  binary::Writer writer;
  writer(outcome.stdout_text, outcome.stderr_text);
  return std::move(writer).take();
}

std::optional<ArtefactCache> open_cache(const PreparedCompile& compile) {
  if (compile.key.empty() || compile.cache_dir.empty()) return std::nullopt;
  auto cache = ArtefactCache::open(kCompiledProgram, compile.cache_dir, compile.cache_max_size);
  if (!cache) return std::nullopt;
  return std::move(*cache);
}

ByteCount largest_entry(const PreparedCompile& compile) {
  return ByteCount::bytes(compile.most.count() + kTable.count());
}

// Through a sealed copy with its table: what is stored is what runs. The pack is made anew from it.
Result<FilePack> store(const PreparedCompile& compile, FilePack pack, const Outcome& outcome) {
  SP_TRY(UniqueFd blob, std::move(pack).to_blob(note_of(outcome)));
  if (const auto cache = open_cache(compile)) {
    // A full disk costs the next run its time, not this one its end.
    (void)cache->store(compile.key, blob.get(), largest_entry(compile));
  }
  std::string note;
  return FilePack::from_blob(std::move(blob), note);
}

// Of the options that raise a limit the compile step has its own.
std::string_view option_of(std::string_view limit) {
  if (limit == "memory") return "--compile-memory";
  if (limit == "cpu_time" || limit == "wall_time") return "--compile-timeout";
  if (limit == "file_size") return "compile_max_file_size_kb in [resource_limits]";
  return {};
}

// SIGKILL comes from us or from outside the jail; any other signal is the compiler's own end.
bool was_killed(const Outcome& step) {
  return step.status == Status::kSignaled && step.signal == SIGKILL;
}

Outcome failed(const PreparedCompile& compile, Outcome step, std::string why) {
  Outcome outcome;
  for (LimitReached& reached : step.limits_reached) {
    if (const auto option = option_of(reached.limit); !option.empty()) reached.hint = option;
  }
  // What ended the whole run rather than the compiler is the run's end.
  const bool of_the_run =
      step.status == Status::kSandboxError || step.status == Status::kRefused || was_killed(step);
  outcome.status = of_the_run ? step.status : Status::kCompileFailed;
  outcome.signal = of_the_run ? step.signal : 0;
  outcome.message = std::move(why);
  outcome.runtime = compile.plan.runtime;
  outcome.runtime_version = compile.plan.runtime_version;
  outcome.engine = compile.plan.engine;
  outcome.warnings = step.warnings;
  outcome.compile = std::make_shared<const Outcome>(std::move(step));
  return outcome;
}

// Compilers run others, so a limit of file size that was reached shows in what they say of it, if
// anywhere: collect2 has "signal 25 [File size limit exceeded]", Go "file too large".
std::string file_size_hint(const Outcome& step, const Limits& limits) {
  const std::string said = ascii_lower(step.stderr_text + step.stdout_text);
  const bool reached = (step.status == Status::kSignaled && step.signal == SIGXFSZ) ||
                       said.contains("file size limit exceeded") || said.contains("file too large");
  if (!reached) return {};
  return fmt::format("; a file of the compile step may have {}, {} raises it",
                     to_text(limits.compile_file_size), option_of("file_size"));
}

// Why a compile step that ended like this left nothing to run; empty when it went well.
std::string why_failed(const Outcome& step, const Limits& limits) {
  switch (step.status) {
    case Status::kExited:
      if (step.exit_code == 0) return {};
      return fmt::format("the compiler exited with {}", step.exit_code) +
             file_size_hint(step, limits);
    case Status::kWallTimeExceeded:
    case Status::kCpuTimeExceeded:
      return fmt::format("the compile time limit {} was exceeded; --compile-timeout raises it",
                         to_text(Microseconds(limits.compile_time)));
    case Status::kMemoryExceeded:
      return fmt::format("the compile memory limit {} was exceeded; --compile-memory raises it",
                         to_text(limits.compile_memory));
    case Status::kSignaled:
      // The driver tells of a compiler that was killed; this is the driver itself.
      if (was_killed(step) && !step.message.empty()) return step.message;
      return fmt::format("the compiler was killed by {}", signal_name(step.signal)) +
             file_size_hint(step, limits);
    case Status::kSandboxError:
    case Status::kRefused:
      return "the compile step: " + step.message;
    default:
      return "the compile step ended with " + std::string(to_string(step.status));
  }
}

}  // namespace

std::string compile_key(const Plan& plan, const Step& step, const std::vector<std::string>& sources,
                        std::string_view trust_domain) {
  binary::Writer writer;
  writer(std::string("sandpit-compile-2"), plan.runtime, plan.argv, plan.env, step.outputs,
         step.identity, step.read_only_paths, step.warm_dir, sources, std::string(trust_domain));
  return sha256_hex(std::move(writer).take());
}

std::optional<Compiled> find_compiled(const PreparedCompile& compile) {
  const auto cache = open_cache(compile);
  if (!cache) return std::nullopt;
  UniqueFd blob = cache->load(compile.key, largest_entry(compile));
  if (!blob.valid()) return std::nullopt;
  std::string note;
  auto pack = FilePack::from_blob(std::move(blob), note);
  if (!pack) return std::nullopt;
  Outcome outcome;
  outcome.status = Status::kExited;
  outcome.cached = true;
  outcome.runtime = compile.plan.runtime;
  outcome.engine = compile.plan.engine;
  binary::Reader reader(note);
  reader(outcome.stdout_text, outcome.stderr_text);
  if (!reader.finished()) return std::nullopt;
  outcome.stdout_bytes = outcome.stdout_text.size();
  outcome.stderr_bytes = outcome.stderr_text.size();
  return Compiled{.artefact = std::move(*pack),
                  .outcome = std::make_shared<const Outcome>(std::move(outcome))};
}

CompileResult finish_compile(const PreparedCompile& compile, const UniqueFd& volume,
                             Outcome outcome) {
  std::string why = why_failed(outcome, compile.plan.limits);
  if (!why.empty()) {
    return {.compiled = {}, .failure = failed(compile, std::move(outcome), std::move(why))};
  }
  auto pack = collect(compile, volume);
  if (pack) pack = store(compile, std::move(*pack), outcome);
  if (!pack) {
    return {.compiled = {},
            .failure = failed(compile, std::move(outcome), pack.error().to_string())};
  }
  return {.compiled = Compiled{.artefact = std::move(*pack),
                               .outcome = std::make_shared<const Outcome>(std::move(outcome))},
          .failure = {}};
}

Result<void> add_artefact(const FilePack& artefact, Plan& run, std::vector<UniqueFd>& inputs) {
  // What the compiler made wins over a source file of the same name.
  std::vector<InputFile> kept;
  std::vector<UniqueFd> descriptors;
  std::size_t next = 0;
  std::size_t passed_on = 0;  // inputs[passed_on - 1] was the last one to be kept
  for (InputFile& input : run.inputs) {
    if (has_descriptor(input)) ++next;
    if (!input.directory) {
      if (artefact.holds(input.name)) continue;
      input.same_descriptor = passed_on == next;
      if (!input.same_descriptor) descriptors.push_back(std::move(inputs[next - 1]));
      passed_on = next;
    }
    kept.push_back(std::move(input));
  }
  run.inputs = std::move(kept);
  inputs = std::move(descriptors);
  auto added = artefact.append_to(run.inputs, inputs);
  if (added) return {};
  Error error = with_context(std::move(added.error()), "what the compiler made");
  error.code = ErrorCode::kRefused;
  return fail(std::move(error));
}

}  // namespace sandpit
