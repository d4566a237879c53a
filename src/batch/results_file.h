// Where results go, whole lines at a time: a file, which is never left with half a line, or what
// cannot be taken back (stdout, a FIFO). One thread at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "batch/id_set.h"
#include "batch/line_reader.h"

namespace sandpit::batch {

enum class Existing : std::uint8_t {
  kRefuse,   // a file that is there is an error
  kReplace,  // it is emptied
  kResume,   // its ids are noted, a torn last line is repaired, results are added
};

// What a file that was there held.
struct Resumed {
  std::uint64_t results = 0;
  std::uint64_t cut_bytes = 0;  // of a torn last line
  bool newline_added = false;   // the last line was whole but for its newline
};

class ResultsFile {
 public:
  // Error kUsage: it exists, another batch writes it, a line of it is no result, its directory is
  // not there or not writable.
  [[nodiscard]] static Result<ResultsFile> open(const std::string& path, Existing existing,
                                                IdSet& ids, Resumed& resumed);
  // A descriptor of the caller's, which stays open.
  [[nodiscard]] static ResultsFile borrow(int descriptor, std::string name);

  // All of `line`, or nothing of it and an error kSystem.
  [[nodiscard]] Result<void> append(std::string_view line);
  // What was written is on the disk afterwards, where that can be had.
  [[nodiscard]] Result<void> sync();

 private:
  ResultsFile(UniqueFd owned, int descriptor, std::string name)
      : owned_(std::move(owned)), descriptor_(descriptor), name_(std::move(name)) {}
  [[nodiscard]] Result<void> resume(IdSet& ids, Resumed& resumed);
  [[nodiscard]] Result<void> repair(const Line& last, const Result<std::string>& id, IdSet& ids,
                                    Resumed& resumed);

  UniqueFd owned_;
  int descriptor_;
  std::string name_;
  off_t size_ = 0;        // up to the last whole line
  bool regular_ = false;  // it can be cut back to that
};

}  // namespace sandpit::batch
