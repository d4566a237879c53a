// wasm-worker: compiles and runs WebAssembly inside a jail. job.h says which descriptors it is
// started with. It needs no file but the preopened directories, and no argument. Not for people.
//
// The order matters: the second filter before any byte of the module is looked at; the artefact
// sealed, and files limited, before any code of the guest runs.
#include <fcntl.h>
#include <sandpit_wasm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "engine/wasm/worker_bridge.h"
#include "engine/wasm/worker_last_report.h"
#include "engine/wasm/worker_report.h"
#include "engine/wasm/worker_serve.h"
#include "engine/wasm/worker_setup.h"
#include "plan/wasm_plan.h"
#include "sandpit/error.h"

namespace sandpit::wasm {
namespace {

constexpr int kWorkerFailed = 125;
constexpr std::size_t kLargestJob = 16U << 20U;

int exit_code_of(const Report& report) {
  switch (report.end) {
    case End::kExited:
      return static_cast<int>(report.exit_code & 0xffU);
    case End::kTrapped:
      return 134;
    case End::kDeadline:
    case End::kCpuTime:
      return 124;
    case End::kMemory:
      return 137;
    case End::kInvalid:
    case End::kRefused:
      return 126;
    case End::kUsage:
      return 2;
    case End::kInternal:
      break;
  }
  return kWorkerFailed;
}

Report internal(std::string message) {
  return {.end = End::kInternal, .message = std::move(message)};
}

Result<FileView> map_file(int fd, const char* what) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail(errno_error(what, errno));
  return FileView::map(fd, static_cast<std::size_t>(status.st_size));
}

Result<WasmJob> read_job() {
  SP_TRY(const FileView file, map_file(kJobDescriptor, "the job"));
  if (file.bytes().size() > kLargestJob) {
    return fail({.code = ErrorCode::kSystem, .message = "the job is too large"});
  }
  WasmJob job;
  binary::Reader reader(file.bytes());
  reader(job);
  if (!reader.finished()) {
    return fail({.code = ErrorCode::kSystem, .message = "the job is not well-formed"});
  }
  return job;
}

bool write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Report run(const Host& host, const Program& program, const WasmJob& job) {
  const TextList args(job.plan.args);
  const TextList env(job.plan.env);
  const TextList values(job.plan.values);
  const sandpit_wasm_run_request request{.args = args.get(),
                                         .env = env.get(),
                                         .invoke = text_of(job.plan.invoke),
                                         .values = values.get(),
                                         .fuel = job.plan.fuel,
                                         .deadline_us = job.bounds.deadline_us,
                                         .cpu_us = job.bounds.cpu_us,
                                         .memory = job.bounds.memory,
                                         .captured = false,
                                         .input = {},
                                         .output = 0};
  const RunResult result(sandpit_wasm_run(host.get(), program.get(), &request));
  return report_of(*result);
}

// The description is printed whether or not the imports are granted.
Report describe(const Host& host, const Program& program, const sandpit_wasm_source& source,
                const RunResult& refused) {
  const RunResult result(sandpit_wasm_describe(host.get(), program.get(), &source));
  if (!write_out(view_of(result->out))) return internal("can't write the description");
  return report_of(refused ? *refused : *result);
}

Report load_and_run(const WasmJob& job, ReportFile& file) {
  const bool loads = job.artefact == Artefact::kLoad;
  file.enter(loads ? Phase::kLoading : Phase::kCompiling);
  auto module = map_file(kModuleDescriptor, "the module");
  if (!module) return internal(module.error().message);
  const auto [host, problem] = make_host(job.plan, file.memory_high_water(), &LastReport::expired);
  if (problem) return report_of(*problem);
  const std::string_view bytes = module->bytes();
  const sandpit_wasm_source source{.name = text_of(job.plan.module_name),
                                   .bytes = reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   .size = bytes.size(),
                                   .artefact = static_cast<std::uint8_t>(job.artefact),
                                   .artefact_fd = kArtefactDescriptor};
  LastReport::prepare(file, {}, "it was compiled");
  if (!sandpit_wasm_guard(host.get(), job.bounds.deadline_us, job.bounds.cpu_us,
                          &LastReport::expired)) {
    return internal("no thread for the deadline");
  }
  sandpit_wasm_program* loaded = nullptr;
  if (const RunResult result(sandpit_wasm_load(host.get(), &source, &loaded)); result) {
    return report_of(*result);
  }
  (void)sandpit_wasm_guard(host.get(), 0, 0, nullptr);
  const Program program(loaded);
  sandpit_wasm_compilation compilation{};
  sandpit_wasm_compilation_of(program.get(), &compilation);
  LastReport::prepare(file,
                      {.end = End::kInternal,
                       .compile_us = compilation.compile_us,
                       .loaded = compilation.loaded,
                       .stored = compilation.stored,
                       .compiler = std::string(view_of(compilation.compiler))},
                      "the program computed");
  limit_file_size(job.bounds.file_size);
  file.enter(Phase::kScreening);
  const RunResult refused(sandpit_wasm_link(host.get(), program.get()));
  if (job.plan.task == WasmTask::kDescribe) return describe(host, program, source, refused);
  if (refused) return report_of(*refused);
  file.enter(Phase::kRunning);
  return run(host, program, job);
}

int work() {
  auto file = ReportFile::map(kReportDescriptor);
  if (!file) return kWorkerFailed;
  file->enter(Phase::kStarting);
  Report report;
  if (auto denied = deny_new_programs(); !denied) {
    report = internal(denied.error().message);
  } else if (auto job = read_job(); !job) {
    report = internal(job.error().message);
  } else if (job->plan.task == WasmTask::kServe) {
    return serve(*job, *file);
  } else {
    report = load_and_run(*job, *file);
  }
  LastReport::claim();
  file->write(report);
  file->enter(Phase::kDone);
  return exit_code_of(report);
}

}  // namespace
}  // namespace sandpit::wasm

int main() {
  sandpit::wasm::ignore_write_signals();
  // No destructor of a library needs to run, and none should after a guest.
  ::_exit(sandpit::wasm::work());
}
