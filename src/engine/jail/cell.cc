#include "engine/jail/cell.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/result.h"
#include "engine/jail/slot.h"
#include "plan/plan.h"
#include "sandpit/error.h"

namespace sandpit::jail {
namespace {

// PID_MAX_LIMIT: pids.max takes no more, and no kernel has more tasks.
constexpr std::uint64_t kMostTasks = 4194304;

bool has_cgroups(const HostFacts& facts) {
  return facts.memory.version != CgroupVersion::kNone ||
         facts.pids.version != CgroupVersion::kNone || facts.cpu.version != CgroupVersion::kNone;
}

}  // namespace

CellLease::~CellLease() {
  if (cell_ != nullptr && pool_ != nullptr) pool_->give_back(std::move(cell_));
}

Result<std::unique_ptr<CellPool>> CellPool::create(const HostFacts& facts,
                                                   const sys::CgroupHost& cgroups,
                                                   std::size_t keep) {
  auto pool = std::unique_ptr<CellPool>(new CellPool(facts, cgroups, keep));
  if (facts.is_root || has_cgroups(facts)) {
    SP_TRY(SlotDirectory slots, SlotDirectory::open(facts));
    pool->slots_.emplace(std::move(slots));
    pool->sweep();
  }
  return pool;
}

void CellPool::sweep() const {
  if (!has_cgroups(facts_)) return;
  for (Slot& slot : slots_->abandoned()) {
    // create() kills and removes what it finds under the name; what it makes goes at once. Groups
    // that the dead owner made below another group than ours are out of our sight.
    if (cgroups_.create(slot.cgroup_name())) slot.mark_clean();
  }
}

Result<std::unique_ptr<Cell>> CellPool::take() {
  if (!idle_.empty()) {
    std::unique_ptr<Cell> cell = std::move(idle_.back());
    idle_.pop_back();
    return cell;
  }
  auto cell = std::make_unique<Cell>();
  if (slots_) {
    SP_TRY(Slot slot, slots_->acquire());
    cell->slot.emplace(std::move(slot));
  }
  return cell;
}

Result<void> CellPool::prepare_cgroup(Cell& cell, const Plan& plan) const {
  if (cell.cgroup == nullptr && has_cgroups(facts_)) {
    SP_TRY(cell.cgroup, cgroups_.create(cell.slot->cgroup_name()));
  }
  if (cell.cgroup == nullptr) return {};
  const auto wanted = std::pair(plan.limits.memory, plan.max_tasks);
  if (cell.limits == wanted) return {};
  cell.limits.reset();
  // A group may count CPU time only: the Plan then has another mechanism for the rest, and the
  // group would refuse to look as if it enforced it.
  sys::CgroupLimits limits;
  if (facts_.memory.version != CgroupVersion::kNone) limits.memory = plan.limits.memory;
  if (facts_.pids.version != CgroupVersion::kNone) {
    limits.tasks = std::min<std::uint64_t>(plan.max_tasks, kMostTasks);
  }
  SP_TRY_VOID(cell.cgroup->set_limits(limits));
  cell.limits = wanted;
  return {};
}

void CellPool::give_back(std::unique_ptr<Cell> cell) {
  if (idle_.size() >= keep_ || !cell->slot) return;
  // A group whose counters can't be cleared (memory.peak before 6.12) would tell the next run a
  // wrong peak: a new one then.
  if (cell->cgroup != nullptr && !cell->cgroup->reset()) return;
  idle_.push_back(std::move(cell));
}

}  // namespace sandpit::jail
