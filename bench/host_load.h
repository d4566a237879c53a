// Makes the measuring program as large as a real host program: resident memory and threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace sandpit::bench {

class HostLoad {
 public:
  HostLoad(std::size_t resident_mib, std::size_t threads);
  HostLoad(const HostLoad&) = delete;
  HostLoad& operator=(const HostLoad&) = delete;
  ~HostLoad();

 private:
  void wait_for_end();

  std::vector<char> memory_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sandpit::bench
