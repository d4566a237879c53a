#include "engine/wasm/worker_serve.h"

#include <sandpit_wasm.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/unique_fd.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "engine/wasm/worker_bridge.h"
#include "engine/wasm/worker_last_report.h"
#include "engine/wasm/worker_report.h"
#include "engine/wasm/worker_setup.h"
#include "engine/wasm/worker_socket.h"

namespace sandpit::wasm {
namespace {

constexpr std::size_t kMostPrograms = 64;
// Of the modules' own bytes, all together: their code is charged to the jail.
constexpr std::size_t kMostBytes = 8U << 20U;
constexpr std::size_t kLargestReport = 64U << 10U;

std::int64_t clock_us(clockid_t clock) {
  timespec time{};
  (void)::clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000L + time.tv_nsec / 1000;
}

std::string encode(const ServeResponse& response) {
  binary::Writer writer;
  writer(response);
  return std::move(writer).take();
}

ServeResponse answer_with(const Report& report) {
  ServeResponse response;
  response.report = encode_within(report, kLargestReport);
  return response;
}

ServeResponse failure(std::string message) {
  return answer_with({.end = End::kInternal, .message = std::move(message)});
}

// Linked programs, the most recently used ones.
class Programs {
 public:
  sandpit_wasm_program* find(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->program.get();
  }
  sandpit_wasm_program* keep(const std::string& key, Program program, std::size_t size) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
    while (!entries_.empty() && (entries_.size() >= kMostPrograms || bytes_ + size > kMostBytes)) {
      drop(std::prev(entries_.end()));
    }
    bytes_ += size;
    entries_.push_front({.key = key, .program = std::move(program), .size = size});
    by_key_.emplace(key, entries_.begin());
    return entries_.front().program.get();
  }

 private:
  struct Entry {
    std::string key;
    Program program;
    std::size_t size = 0;
  };
  void drop(std::list<Entry>::iterator entry) {
    bytes_ -= entry->size;
    by_key_.erase(entry->key);
    entries_.erase(entry);
  }
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

// A memory file that came with a request; it must be sealed, or reading it could end in SIGBUS.
std::optional<FileView> map_sealed(const UniqueFd& fd) {
  struct stat status{};
  if (!is_sealed(fd.get()) || ::fstat(fd.get(), &status) != 0) return std::nullopt;
  auto view = FileView::map(fd.get(), static_cast<std::size_t>(status.st_size));
  if (!view) return std::nullopt;
  return std::move(*view);
}

// The descriptors of a request, in the order that job.h gives.
struct Attached {
  const UniqueFd* module = nullptr;
  const UniqueFd* artefact = nullptr;
  const UniqueFd* input = nullptr;
  bool matches = false;  // exactly those that the request announces
};

Attached attached(const ServeRequest& request, const std::vector<UniqueFd>& descriptors) {
  Attached result;
  std::size_t next = 0;
  const auto take = [&](bool wanted) -> const UniqueFd* {
    if (!wanted) return nullptr;
    const std::size_t index = next++;
    return index < descriptors.size() ? &descriptors[index] : nullptr;
  };
  result.module = take(request.with_module);
  result.artefact = take(request.with_module && request.artefact != Artefact::kNone);
  result.input = take(request.stdin_in_memory);
  result.matches = next == descriptors.size();
  return result;
}

class Server {
 public:
  Server(sandpit_wasm_host* host, ReportFile& file) : host_(host), file_(file) {}

  ServeResponse answer(const Message& message) {
    ServeRequest request;
    binary::Reader reader(message.bytes);
    reader(request);
    if (!message.complete || !reader.finished()) return failure("the request is not well-formed");
    const Attached files = attached(request, message.descriptors);
    if (!files.matches) return failure("the request has other descriptors than it says");
    ServeResponse response = answer(request, files);
    response.serial = request.serial;
    return response;
  }

 private:
  ServeResponse answer(const ServeRequest& request, const Attached& files) {
    const std::int64_t wall = clock_us(CLOCK_MONOTONIC);
    const std::int64_t cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    sandpit_wasm_program* program = nullptr;
    if (request.with_module) {
      RunResult problem;
      program = load(request, files, problem);
      if (program == nullptr) {
        return problem ? answer_with(report_of(*problem)) : failure("the module is not sealed");
      }
    } else {
      program = programs_.find(request.key);
      if (program == nullptr) return {.answer = ServeAnswer::kNeedModule};
    }
    const std::int64_t used = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    ServeResponse response = run(request, program, files.input, used);
    response.wall_us = clock_us(CLOCK_MONOTONIC) - wall;
    response.cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    return response;
  }

  sandpit_wasm_program* load(const ServeRequest& request, const Attached& files,
                             RunResult& problem) {
    const auto module = map_sealed(*files.module);
    if (!module) return nullptr;
    const bool loads = request.artefact == Artefact::kLoad;
    file_.enter(loads ? Phase::kLoading : Phase::kCompiling);
    const std::string_view bytes = module->bytes();
    const sandpit_wasm_source source{
        .name = text_of(request.module_name),
        .bytes = reinterpret_cast<const std::uint8_t*>(bytes.data()),
        .size = bytes.size(),
        .artefact = static_cast<std::uint8_t>(request.artefact),
        .artefact_fd = files.artefact == nullptr ? -1 : files.artefact->get()};
    sandpit_wasm_program* loaded = nullptr;
    (void)sandpit_wasm_guard(host_, request.bounds.deadline_us, request.bounds.cpu_us,
                             &LastReport::expired);
    problem.reset(sandpit_wasm_load(host_, &source, &loaded));
    (void)sandpit_wasm_guard(host_, 0, 0, nullptr);
    if (problem) return nullptr;
    Program program(loaded);
    file_.enter(Phase::kScreening);
    problem.reset(sandpit_wasm_link(host_, program.get()));
    if (problem) return nullptr;
    return programs_.keep(request.key, std::move(program), bytes.size());
  }

  ServeResponse run(const ServeRequest& request, sandpit_wasm_program* program,
                    const UniqueFd* input_file, std::int64_t cpu_used_us) {
    const std::optional<FileView> input =
        input_file == nullptr ? std::nullopt : map_sealed(*input_file);
    if (input_file != nullptr && !input) return failure("standard input is not sealed");
    const TextList args(request.args);
    const TextList env(request.env);
    const TextList values(request.values);
    const sandpit_wasm_run_request call{
        .args = args.get(),
        .env = env.get(),
        .invoke = text_of(request.invoke),
        .values = values.get(),
        .fuel = request.fuel,
        .deadline_us = request.bounds.deadline_us,
        // What compiling took is part of it.
        .cpu_us = request.bounds.cpu_us == 0
                      ? 0
                      : std::max<std::int64_t>(request.bounds.cpu_us - cpu_used_us, 1),
        .memory = request.bounds.memory,
        .captured = true,
        .input = text_of(input ? input->bytes() : std::string_view(request.stdin_bytes)),
        .output = request.bounds.output};
    file_.enter(Phase::kRunning);
    RunResult result;
    {
      const FileSizeLimit limit(request.bounds.file_size);
      result.reset(sandpit_wasm_run(host_, program, &call));
    }
    ServeResponse response = answer_with(report_of(*result));
    response.stdout_text = view_of(result->out);
    response.stderr_text = view_of(result->err);
    response.stdout_size = result->out.size;
    response.stderr_size = result->err.size;
    response.stdout_bytes = result->out_bytes;
    response.stderr_bytes = result->err_bytes;
    return response;
  }

  sandpit_wasm_host* host_;
  ReportFile& file_;
  Programs programs_;
};

// What is too large for the message goes into a memory file beside it.
bool send(const MessageSocket& socket, ServeResponse response) {
  if (response.stdout_size + response.stderr_size <= kLargestInline) {
    return socket.send(encode(response), -1);
  }
  response.in_memory = true;
  const auto file =
      sealed_memory_file("sandpit-output", response.stdout_text + response.stderr_text);
  if (!file) return socket.send(encode(failure(file.error().message)), -1);
  response.stdout_text.clear();
  response.stderr_text.clear();
  return socket.send(encode(response), file->get());
}

}  // namespace

int serve(const WasmJob& job, ReportFile& file) {
  LastReport::prepare(file, {}, "a program was compiled or computed");
  const auto [host, problem] = make_host(job.plan, file.memory_high_water(), &LastReport::expired);
  if (problem) {
    file.write(report_of(*problem));
    return 125;
  }
  Server server(host.get(), file);
  MessageSocket socket(kSocketDescriptor);
  while (const auto message = socket.receive()) {
    if (!send(socket, server.answer(*message))) break;
    file.enter(Phase::kStarting);
  }
  file.enter(Phase::kDone);
  return 0;
}

}  // namespace sandpit::wasm
