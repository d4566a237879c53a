#include "service/wasm_pool.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "engine/wasm/artefact_cache.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "engine/wasm/session.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "runtime/wasm_runtime.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/launcher_client.h"
#include "service/pipeline.h"
#include "service/source_input.h"
#include "service/wasm_worker.h"
#include "service/wire.h"

namespace sandpit {
namespace {

using Clock = std::chrono::steady_clock;

// A worker lives until it is replaced, not for a time: each of its runs has its own.
constexpr Milliseconds kWorkerLife{365L * 24 * 3600 * 1000};
// Waiting workers that nobody has used for so long, or beyond so many, are ended.
constexpr std::chrono::seconds kLongestIdle{60};
constexpr std::size_t kIdleForEachProcessor = 4;
// Compiled modules and the engine are not the guest's memory, which the store limits.
constexpr ByteCount kEngineMemory = ByteCount::mib(128);
// A request in one message; what is larger is run cold.
constexpr std::size_t kLargestRequest = 96U << 10U;

struct Module {
  std::string bytes;
  std::string name;
  std::string digest;
};

// Everything about a kind of request that does not change from one to the next, and its workers.
// Guarded by the pool's mutex, but for the plan, which never changes.
struct Shape {
  Plan plan;  // of WasmTask::kServe
  struct Idle {
    std::unique_ptr<WasmWorker> worker;
    Clock::time_point since;
  };
  std::vector<Idle> idle;  // the one used last at the end
  unsigned alive = 0;
};

struct Template {
  std::shared_ptr<Shape> shape;
  Plan plan;  // as for a cold run
};

std::int64_t monotonic_us(Clock::time_point time) {
  return std::chrono::duration_cast<Microseconds>(time.time_since_epoch()).count();
}

void put(binary::Writer& writer, const LimitOverrides& limits) {
  writer(limits.memory, limits.cpu_time, limits.wall_time, limits.processes, limits.file_size,
         limits.open_files, limits.disk, limits.inodes, limits.output, limits.stack);
}

bool has_wasm_extension(const Request& request, const Settings& settings) {
  std::string_view name;
  if (const auto* file = std::get_if<SourceFile>(&request.source)) name = file->path;
  if (const auto* text = std::get_if<SourceText>(&request.source)) name = text->name;
  name = name.substr(name.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string extension(name.substr(dot + 1));
  const auto mapped = settings.extensions.find(extension);
  if (mapped != settings.extensions.end()) return mapped->second == kWasmRuntimeName;
  return extension == "wasm" || extension == "wat";
}

std::size_t size_of_words(const Request& request) {
  std::size_t size = request.invoke.size();
  for (const std::string& word : request.args) size += word.size() + sizeof(std::uint64_t);
  for (const auto& [name, value] : request.env) {
    size += name.size() + value.size() + 2 * sizeof(std::uint64_t);
  }
  return size;
}

// Names that the cold path refuses, and says why.
bool is_well_formed(const Request& request) {
  constexpr std::string_view kNotInNames("=\0", 2);
  for (const auto& [name, value] : request.env) {
    if (name.empty() || name.find_first_of(kNotInNames) != std::string::npos) return false;
    if (value.find('\0') != std::string::npos) return false;
  }
  const auto* text = std::get_if<SourceText>(&request.source);
  constexpr std::string_view kNotInFileNames("/\0", 2);
  return text == nullptr || (text->name.find_first_of(kNotInFileNames) == std::string::npos &&
                             text->name != "." && text->name != "..");
}

bool can_be_warm(const Request& request, const Settings& settings) {
  if (size_of_words(request) > kLargestRequest || !is_well_formed(request)) return false;
  if (std::holds_alternative<HostCommand>(request.source)) return false;
  if (!std::holds_alternative<StdinEmpty>(request.input) &&
      !std::holds_alternative<StdinBytes>(request.input)) {
    return false;
  }
  if (!request.paths.empty() || request.network || !request.chdir.empty() ||
      !request.out_dir.empty() || request.check) {
    return false;
  }
  return request.runtime == kWasmRuntimeName ||
         (request.runtime.empty() && has_wasm_extension(request, settings));
}

Result<void> check_size(std::uint64_t size, const Limits& limits) {
  if (size <= limits.disk.count()) return {};
  return fail({.code = ErrorCode::kRefused,
               .message = fmt::format("the module has {} bytes; the disk limit is {}", size,
                                      limits.disk.count()),
               .where = {},
               .hint = "raise it with --disk and --memory"});
}

Result<Module> read_module(const Request& request, const Limits& limits) {
  Module module;
  if (const auto* text = std::get_if<SourceText>(&request.source)) {
    SP_TRY_VOID(check_size(text->text.size(), limits));
    module.bytes = text->text;
    module.name = text->name;
  } else {
    SP_TRY(const SourceInput source, open_source_file(std::get<SourceFile>(request.source)));
    SP_TRY_VOID(check_size(source.size, limits));
    SP_TRY(module.bytes, read_beginning(source, static_cast<std::size_t>(source.size)));
    module.name = source.name;
  }
  if (module.name.empty()) module.name = "main.wasm";
  module.digest = sha256_hex(module.bytes);
  return module;
}

// What the worker's jail is made of: the same bytes, the same jail.
std::string shape_key(const Plan& plan, const std::string& trust_domain) {
  binary::Writer writer;
  writer(trust_domain);
  return std::move(writer).take() + wire::encode(plan);
}

// The CPU time that a worker has from its start: what a worker that was taken over can burn while
// nobody asks anything of it.
Milliseconds first_grant(const Limits& limits) {
  constexpr Milliseconds kPiece{2000};
  return 2 * limits.cpu_time + kPiece;
}

Plan serving(Plan plan) {
  plan.wasm->task = WasmTask::kServe;
  plan.wasm->module_name.clear();
  plan.wasm->digest.clear();
  plan.wasm->args.clear();
  plan.wasm->env.clear();
  plan.wasm->invoke.clear();
  plan.wasm->values.clear();
  plan.limits.wall_time = kWorkerLife;
  plan.limits.cpu_time = first_grant(plan.limits);
  plan.limits.memory = ByteCount::bytes(plan.limits.memory.count() + kEngineMemory.count());
  plan.limits.output = ByteCount();
  plan.inputs = {
      {.name = "socket", .mode = 0, .size = 0, .as_descriptor = wasm::kSocketDescriptor}};
  plan.warnings.clear();
  return plan;
}

// Large input and output travel in memory files.
Result<void> take_output(const wasm::ServeResponse& response, const UniqueFd& memory,
                         const Limits& limits, Outcome& outcome) {
  outcome.stdout_bytes = response.stdout_bytes;
  outcome.stderr_bytes = response.stderr_bytes;
  const std::uint64_t most = limits.output.count();
  if (response.stdout_text.size() > most || response.stderr_text.size() > most) {
    return fail({.code = ErrorCode::kSandbox, .message = "more output than was asked for"});
  }
  outcome.stdout_text = response.stdout_text;
  outcome.stderr_text = response.stderr_text;
  if (response.in_memory) {
    const std::uint64_t size = response.stdout_size + response.stderr_size;
    if (response.stdout_size > most || response.stderr_size > most || !memory.valid() ||
        !is_sealed(memory.get()) || size_of_file(memory.get()) < size) {
      return fail({.code = ErrorCode::kSandbox, .message = "malformed answer"});
    }
    SP_TRY(const FileView view, FileView::map(memory.get(), static_cast<std::size_t>(size)));
    outcome.stdout_text = view.bytes().substr(0, response.stdout_size);
    outcome.stderr_text = view.bytes().substr(response.stdout_size, response.stderr_size);
  }
  outcome.stdout_truncated = outcome.stdout_bytes > outcome.stdout_text.size();
  outcome.stderr_truncated = outcome.stderr_bytes > outcome.stderr_text.size();
  return {};
}

std::vector<std::string> environment_of(const Plan& plan, const Request& request) {
  std::vector<std::string> environment = plan.wasm->env;
  for (const auto& [name, value] : request.env) {
    std::erase_if(environment,
                  [&](const std::string& entry) { return entry.starts_with(name + "="); });
    environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

void fill_enforcement(const Plan& plan, Outcome& outcome) {
  for (const Enforcement& row : plan.enforcement) {
    std::string text;
    for (const Mechanism mechanism : row.mechanisms) {
      if (!text.empty()) text += '+';
      text += to_string(mechanism);
    }
    if (!row.degraded.empty()) text += " (degraded)";
    outcome.enforcement[row.limit] = std::move(text);
  }
  // A run's own time is kept by the worker, and by us from outside.
  outcome.enforcement["wall_time"] = "epoch+timer";
  outcome.enforcement["cpu_time"] = "epoch+" + outcome.enforcement["cpu_time"];
  outcome.enforcement["memory"] = "store-limiter+" + outcome.enforcement["memory"];
  outcome.enforcement["seccomp"] = plan.syscall_profile;
}

}  // namespace

struct WasmPool::Impl {
  std::shared_ptr<LauncherClient> launcher;
  const Config& config;
  const RuntimeRegistry& registry;
  WarmOptions options;
  unsigned processors = 1;
  std::optional<wasm::ArtefactCache> cache;
  std::atomic<std::uint64_t> serial = 0;
  std::mutex mutex;
  std::condition_variable given_back;
  std::map<std::string, std::shared_ptr<Template>> templates;
  std::map<std::string, std::shared_ptr<Shape>> shapes;

  Impl(std::shared_ptr<LauncherClient> client, const Config& settings,
       const RuntimeRegistry& runtimes, const WarmOptions& wanted)
      : launcher(std::move(client)), config(settings), registry(runtimes), options(wanted) {}

  class Lease;
  Lease borrow(const std::shared_ptr<Shape>& shape);
  void give_back(Shape& shape, std::unique_ptr<WasmWorker> worker);
  void end_idle(std::vector<std::unique_ptr<WasmWorker>>& ended);

  Result<std::shared_ptr<Template>> template_for(const Request& request);
  Result<Outcome> run(const Request& request);
  struct Offer;
  Result<Offer> offer_artefact(const Plan& plan, const Module& module, bool fresh) const;
  void settle(const Offer& offer, const Outcome& outcome, const WasmWorker::Reply& reply) const;
  static Outcome ended(const Template& kind, const WasmWorker::Reply& reply, WasmWorker& worker,
                       Clock::time_point started);
};

// A worker that is borrowed, and goes back to its shape unless it is spent.
class WasmPool::Impl::Lease {
 public:
  Lease(Impl& pool, std::shared_ptr<Shape> shape, std::unique_ptr<WasmWorker> worker)
      : pool_(&pool), shape_(std::move(shape)), worker_(std::move(worker)) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) = delete;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (shape_ != nullptr) pool_->give_back(*shape_, spent_ ? nullptr : std::move(worker_));
  }
  [[nodiscard]] WasmWorker& worker() { return *worker_; }
  void put(std::unique_ptr<WasmWorker> worker) { worker_ = std::move(worker); }
  [[nodiscard]] bool has_worker() const { return worker_ != nullptr; }
  void spend() { spent_ = true; }

 private:
  Impl* pool_;
  std::shared_ptr<Shape> shape_;
  std::unique_ptr<WasmWorker> worker_;
  bool spent_ = false;
};

WasmPool::Impl::Lease WasmPool::Impl::borrow(const std::shared_ptr<Shape>& shape) {
  std::vector<std::unique_ptr<WasmWorker>> dead;  // ended when the lock is free again
  std::unique_lock lock(mutex);
  for (;;) {
    given_back.wait(lock, [&] { return !shape->idle.empty() || shape->alive < options.workers; });
    if (shape->idle.empty()) {
      ++shape->alive;
      return {*this, shape, nullptr};
    }
    auto worker = std::move(shape->idle.back().worker);
    shape->idle.pop_back();
    // One that died while it waited, or that says something unasked, is replaced.
    if (worker->is_quiet()) return {*this, shape, std::move(worker)};
    --shape->alive;
    dead.push_back(std::move(worker));
  }
}

void WasmPool::Impl::give_back(Shape& shape, std::unique_ptr<WasmWorker> worker) {
  std::vector<std::unique_ptr<WasmWorker>> ended;
  {
    const std::scoped_lock lock(mutex);
    if (worker == nullptr) {
      --shape.alive;
    } else {
      shape.idle.push_back({.worker = std::move(worker), .since = Clock::now()});
    }
    end_idle(ended);
  }
  given_back.notify_all();
}

// Ends the workers that wait too long or are too many, the longest unused first, and forgets shapes
// that have none: callers with many domains must not make us grow.
void WasmPool::Impl::end_idle(std::vector<std::unique_ptr<WasmWorker>>& ended) {
  const std::size_t most = kIdleForEachProcessor * processors;
  const Clock::time_point oldest = Clock::now() - kLongestIdle;
  for (;;) {
    std::size_t count = 0;
    Shape* longest = nullptr;
    for (const auto& [key, shape] : shapes) {
      count += shape->idle.size();
      if (shape->idle.empty()) continue;
      if (longest == nullptr || shape->idle.front().since < longest->idle.front().since) {
        longest = shape.get();
      }
    }
    if (longest == nullptr) break;
    if (count <= most && longest->idle.front().since > oldest) break;
    ended.push_back(std::move(longest->idle.front().worker));
    longest->idle.erase(longest->idle.begin());
    --longest->alive;
  }
  std::erase_if(shapes, [](const auto& entry) {
    return entry.second->alive == 0 && entry.second.use_count() == 1;
  });
}

// One for each set of limits of each domain: everything else is the configuration's.
Result<std::shared_ptr<Template>> WasmPool::Impl::template_for(const Request& request) {
  binary::Writer writer;
  writer(request.trust_domain);
  put(writer, request.limits);
  const std::string key = std::move(writer).take();
  const std::scoped_lock lock(mutex);
  if (const auto found = templates.find(key); found != templates.end()) return found->second;
  Request plain;
  plain.source = SourceText{.text = "(module)", .name = "main.wat"};
  plain.runtime = kWasmRuntimeName;
  plain.limits = request.limits;
  SP_TRY(Prepared prepared, prepare(plain, config, registry, launcher->facts()));
  const Plan served = serving(prepared.plan);
  std::shared_ptr<Shape>& shape = shapes[shape_key(served, request.trust_domain)];
  if (shape == nullptr) {
    shape = std::make_shared<Shape>();
    shape->plan = served;
  }
  auto made = std::make_shared<Template>(shape, std::move(prepared.plan));
  // A caller that never uses the same limits or domain twice must not make us grow.
  constexpr std::size_t kMostTemplates = 64;
  if (templates.size() >= kMostTemplates) templates.clear();
  templates[key] = made;
  return made;
}

// What goes with a module to a worker that does not know it yet.
struct WasmPool::Impl::Offer {
  wasm::Artefact artefact = wasm::Artefact::kNone;
  UniqueFd fd;
  std::string key;
  ByteCount most;
};

// Only a worker that has run nothing yet is trusted to make an artefact for others: a module that
// has taken the worker over could seal whatever it likes under another module's name.
Result<WasmPool::Impl::Offer> WasmPool::Impl::offer_artefact(const Plan& plan, const Module& module,
                                                             bool fresh) const {
  Offer offer;
  if (!cache) return offer;
  WasmPlan keyed = *plan.wasm;
  keyed.digest = module.digest;
  keyed.module_name = module.name;
  keyed.module_size = module.bytes.size();
  offer.key = wasm::artefact_key(keyed);
  offer.most = largest_artefact(keyed);
  offer.fd = cache->load(offer.key, offer.most);
  if (offer.fd.valid()) {
    offer.artefact = wasm::Artefact::kLoad;
  } else if (fresh) {
    offer.artefact = wasm::Artefact::kStore;
    SP_TRY(offer.fd, memory_file("sandpit-artefact"));
  }
  return offer;
}

// For the same reason only a fresh worker's word makes an entry go.
void WasmPool::Impl::settle(const Offer& offer, const Outcome& outcome,
                            const WasmWorker::Reply& reply) const {
  if (offer.artefact == wasm::Artefact::kStore && is_sealed(offer.fd.get())) {
    (void)cache->store(offer.key, offer.fd.get(), offer.most);
  }
  const bool answered = reply.answer == WasmWorker::Answer::kDone && outcome.wasm;
  if (offer.artefact == wasm::Artefact::kLoad && answered && !outcome.wasm->cache_hit &&
      !outcome.wasm->warm) {
    cache->remove(offer.key);
  }
}

Result<Outcome> WasmPool::Impl::run(const Request& request) {
  SP_TRY(const std::shared_ptr<Template> kind, template_for(request));
  const Plan& plan = kind->plan;
  SP_TRY(const Module module, read_module(request, plan.limits));
  wasm::ServeRequest ask{.serial = ++serial,
                         .key = module.digest + module.name,
                         .module_name = module.name,
                         .args = {module.name},
                         .env = environment_of(plan, request),
                         .invoke = request.invoke,
                         .fuel = plan.wasm->fuel};
  if (request.invoke.empty()) {
    ask.args.insert(ask.args.end(), request.args.begin(), request.args.end());
  } else {
    ask.values = request.args;
  }
  UniqueFd input;
  if (const auto* bytes = std::get_if<StdinBytes>(&request.input)) {
    ask.stdin_in_memory = bytes->bytes.size() > wasm::kLargestInline;
    if (ask.stdin_in_memory) {
      SP_TRY(input, sealed_memory_file("sandpit-stdin", bytes->bytes));
    } else {
      ask.stdin_bytes = bytes->bytes;
    }
  }

  Lease lease = borrow(kind->shape);
  if (!lease.has_worker()) {
    SP_TRY(auto worker, WasmWorker::start(*launcher, kind->shape->plan));
    lease.put(std::move(worker));
  }
  WasmWorker& worker = lease.worker();
  const bool was_warm = worker.runs() > 0;
  const Clock::time_point started = Clock::now();
  const Clock::time_point deadline = started + plan.limits.wall_time;
  ask.bounds = {.deadline_us = monotonic_us(deadline),
                .cpu_us = std::chrono::duration_cast<Microseconds>(plan.limits.cpu_time).count(),
                .memory = plan.limits.memory.count(),
                .file_size = plan.limits.file_size.count(),
                .output = plan.limits.output.count()};
  // The module travels once for each worker; the second round is for a worker that has dropped it.
  WasmWorker::Reply reply;
  Offer offer;
  for (int round = 0; round < 2; ++round) {
    std::vector<int> descriptors;
    UniqueFd bytes;
    ask.with_module = !worker.knows(ask.key);
    if (ask.with_module) {
      SP_TRY(bytes, sealed_memory_file("sandpit-module", module.bytes));
      SP_TRY(offer, offer_artefact(kind->shape->plan, module, !was_warm));
      ask.artefact = offer.artefact;
      descriptors.push_back(bytes.get());
      if (offer.fd.valid()) descriptors.push_back(offer.fd.get());
    }
    if (input.valid()) descriptors.push_back(input.get());
    reply = worker.ask(ask, descriptors, deadline + wasm::kGrace);
    const bool again = reply.answer == WasmWorker::Answer::kDone &&
                       reply.response.answer == wasm::ServeAnswer::kNeedModule;
    if (!again) break;
    worker.forgot(ask.key);
  }
  if (reply.answer != WasmWorker::Answer::kDone || worker.runs() >= options.runs_per_worker) {
    lease.spend();
  }
  const WasmWorker::Answer answer = reply.answer;
  Outcome outcome = ended(*kind, reply, worker, started);
  outcome.wasm->warm = was_warm;
  settle(offer, outcome, reply);
  if (ask.with_module && answer == WasmWorker::Answer::kDone) worker.learnt(ask.key);
  if (!ask.with_module) outcome.wasm->cache_hit = true;
  if (answer == WasmWorker::Answer::kDone) worker.used_cpu(outcome.wall_time, plan.limits.cpu_time);
  return outcome;
}

Outcome WasmPool::Impl::ended(const Template& kind, const WasmWorker::Reply& reply,
                              WasmWorker& worker, Clock::time_point started) {
  const Plan& plan = kind.plan;
  Outcome outcome;
  wasm::Told told{.phase = wasm::Phase::kRunning};
  if (reply.answer == WasmWorker::Answer::kDone) {
    binary::Reader reader(reply.response.report);
    wasm::Report report;
    reader(report);
    outcome.status = Status::kExited;
    if (!reader.finished() || report.end > wasm::End::kInternal) {
      report = {.end = wasm::End::kInternal, .message = "malformed report"};
    } else if (const auto taken = take_output(reply.response, reply.memory, plan.limits, outcome);
               !taken) {
      report = {.end = wasm::End::kInternal, .message = taken.error().message};
    }
    told.phase = wasm::Phase::kDone;
    told.memory_high_water = report.memory_high_water;
    told.report = std::move(report);
    outcome.cpu_time = Microseconds(std::max<std::int64_t>(reply.response.cpu_us, 0));
    outcome.user_time = outcome.cpu_time;
  } else if (reply.answer == WasmWorker::Answer::kTimedOut) {
    outcome.status = Status::kWallTimeExceeded;
    outcome.signal = SIGKILL;
    outcome.message = "time limit exceeded, in a call to the host or in compilation";
  } else {
    outcome = worker.last_words();
    outcome.enforcement.clear();
    outcome.wasm.reset();
  }
  wasm::describe_wasm(told, outcome);
  outcome.wall_time = std::chrono::duration_cast<Microseconds>(Clock::now() - started);
  outcome.peak_memory = outcome.wasm->memory_high_water;
  outcome.runtime = plan.runtime;
  outcome.runtime_version = plan.runtime_version;
  outcome.engine = plan.engine;
  outcome.warnings = plan.warnings;
  fill_enforcement(plan, outcome);
  return outcome;
}

WasmPool::WasmPool(std::shared_ptr<LauncherClient> launcher, const Config& config,
                   const RuntimeRegistry& registry, const WarmOptions& options)
    : impl_(new Impl(std::move(launcher), config, registry, options)) {
  impl_->processors = std::max(1U, std::thread::hardware_concurrency());
  if (impl_->options.workers == 0) impl_->options.workers = impl_->processors;
  const WasmSettings& wasm = config.settings().wasm;
  const std::string directory =
      wasm.cache_dir.empty() ? default_wasm_cache_directory() : wasm.cache_dir;
  if (!wasm.cache || directory.empty()) return;
  if (auto cache = wasm::ArtefactCache::open(directory, wasm.cache_max_size)) {
    impl_->cache.emplace(std::move(*cache));
  }
}

WasmPool::~WasmPool() = default;

std::optional<Result<Outcome>> WasmPool::try_run(const Request& request) {
  if (!impl_->options.enabled || !can_be_warm(request, impl_->config.settings())) return {};
  return impl_->run(request);
}

}  // namespace sandpit
