#include "bench/host_load.h"

#include <cstddef>
#include <mutex>
#include <thread>

namespace sandpit::bench {

HostLoad::HostLoad(std::size_t resident_mib, std::size_t threads) {
  // Not zeros: each page is written, so each is resident.
  memory_.assign(resident_mib << 20U, 'x');
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { wait_for_end(); });
}

HostLoad::~HostLoad() {
  {
    const std::scoped_lock lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void HostLoad::wait_for_end() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return end_; });
}

}  // namespace sandpit::bench
