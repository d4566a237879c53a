#include "service/wasm_pool.h"

#include <fmt/format.h>

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
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/artefact_cache.h"
#include "engine/wasm/artefact_key.h"
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
#include "service/wasm_outcome.h"
#include "service/wasm_request.h"
#include "service/wasm_worker.h"
#include "service/wire.h"

namespace sandpit {
namespace {

using Clock = std::chrono::steady_clock;

// Waiting workers that nobody has used for so long, or beyond so many, are ended.
constexpr std::chrono::seconds kLongestIdle{60};
constexpr std::size_t kIdleForEachProcessor = 4;

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

void put(binary::Writer& writer, const LimitOverrides& limits) {
  writer(limits.memory, limits.cpu_time, limits.wall_time, limits.processes, limits.file_size,
         limits.open_files, limits.disk, limits.inodes, limits.output, limits.stack);
}

// What the worker's jail is made of: the same bytes, the same jail.
std::string shape_key(const Plan& plan, const std::string& trust_domain) {
  binary::Writer writer;
  writer(trust_domain);
  return std::move(writer).take() + wire::encode(plan);
}

}  // namespace

struct WasmPool::Impl {
  std::shared_ptr<LauncherClient> launcher;
  const Config& config;
  const RuntimeRegistry& registry;
  WarmOptions options;
  unsigned processors = 1;
  std::optional<ArtefactCache> cache;
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
  Result<Offer> offer_artefact(const Plan& plan, const WasmModule& module, bool fresh) const;
  void settle(const Offer& offer, const Outcome& outcome, const WasmWorker::Reply& reply) const;
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
  const Plan served = serving_plan(prepared.plan);
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
Result<WasmPool::Impl::Offer> WasmPool::Impl::offer_artefact(const Plan& plan,
                                                             const WasmModule& module,
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
  SP_TRY(const WasmModule module, read_module(request, plan.limits));
  wasm::ServeRequest ask = serve_request(request, module, plan);
  ask.serial = ++serial;
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
  ask.bounds = bounds_until(deadline, plan.limits);
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
  Outcome outcome = warm_outcome(plan, reply, worker, started);
  outcome.wasm->warm = was_warm;
  settle(offer, outcome, reply);
  if (ask.with_module && answer == WasmWorker::Answer::kDone) worker.learnt(ask.key);
  if (!ask.with_module) outcome.wasm->cache_hit = true;
  if (answer == WasmWorker::Answer::kDone) worker.used_cpu(outcome.wall_time, plan.limits.cpu_time);
  return outcome;
}

WasmPool::WasmPool(std::shared_ptr<LauncherClient> launcher, const Config& config,
                   const RuntimeRegistry& registry, const WarmOptions& options)
    : impl_(new Impl(std::move(launcher), config, registry, options)) {
  impl_->processors = std::max(1U, std::thread::hardware_concurrency());
  if (impl_->options.workers == 0) impl_->options.workers = impl_->processors;
  const WasmSettings& wasm = config.settings().wasm;
  const std::string directory =
      wasm.cache_dir.empty() ? default_cache_directory("wasm") : wasm.cache_dir;
  if (!wasm.cache || directory.empty()) return;
  if (auto cache = ArtefactCache::open(kCompiledModule, directory, wasm.cache_max_size)) {
    impl_->cache.emplace(std::move(*cache));
  }
}

WasmPool::~WasmPool() = default;

std::optional<Result<Outcome>> WasmPool::try_run(const Request& request) {
  if (!impl_->options.enabled || !can_be_warm(request, impl_->config.settings(), impl_->registry))
    return {};
  return impl_->run(request);
}

}  // namespace sandpit
