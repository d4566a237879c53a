// A cell is what a run holds exclusively on the host while it lasts: a slot (ids) and a cgroup. A
// launcher keeps emptied cells for the next run; a one-shot process makes one and removes it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/jail/slot.h"
#include "plan/plan.h"
#include "sys/cgroup.h"

namespace sandpit::jail {

struct Cell {
  std::optional<Slot> slot;  // none where ids come from the user and there is no cgroup
  std::unique_ptr<sys::Cgroup>
      cgroup;  // destroyed before the slot's lock is let go: null when no controller is usable

  std::optional<std::pair<ByteCount, std::uint64_t>>
      limits;  // memory and tasks, as set in the cgroup

  Cell() = default;
  Cell(Cell&&) = default;
  Cell& operator=(Cell&&) = delete;
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  ~Cell() {
    cgroup.reset();
    if (slot) slot->mark_clean();
  }
};

class CellPool;

// Gives the cell back to its pool at the end.
class CellLease {
 public:
  CellLease() = default;
  CellLease(CellPool* pool, std::unique_ptr<Cell> cell) : pool_(pool), cell_(std::move(cell)) {}
  CellLease(CellLease&&) noexcept = default;
  CellLease& operator=(CellLease&&) = delete;
  CellLease(const CellLease&) = delete;
  CellLease& operator=(const CellLease&) = delete;
  ~CellLease();
  void fill(CellPool* pool, std::unique_ptr<Cell> cell) {
    pool_ = pool;
    cell_ = std::move(cell);
  }
  [[nodiscard]] explicit operator bool() const { return cell_ != nullptr; }
  Cell* operator->() const { return cell_.get(); }
  [[nodiscard]] Cell* get() const { return cell_.get(); }

 private:
  CellPool* pool_ = nullptr;
  std::unique_ptr<Cell> cell_;
};

class CellPool {
 public:
  // `keep`: how many emptied cells to hold on to.
  [[nodiscard]] static Result<std::unique_ptr<CellPool>> create(const HostFacts& facts,
                                                                const sys::CgroupHost& cgroups,
                                                                std::size_t keep);
  // An emptied cell, or a new one, whose cgroup is yet to be made.
  [[nodiscard]] Result<std::unique_ptr<Cell>> take();
  // Makes the cgroup when there is none yet and sets its limits.
  [[nodiscard]] Result<void> prepare_cgroup(Cell& cell, const Plan& plan) const;
  void give_back(std::unique_ptr<Cell> cell);

 private:
  CellPool(HostFacts facts, sys::CgroupHost cgroups, std::size_t keep)
      : facts_(std::move(facts)), cgroups_(std::move(cgroups)), keep_(keep) {}
  // Removes the cgroups of owners that were killed.
  void sweep() const;
  HostFacts facts_;
  sys::CgroupHost cgroups_;
  std::optional<SlotDirectory> slots_;
  std::size_t keep_;
  std::vector<std::unique_ptr<Cell>> idle_;
};

}  // namespace sandpit::jail
