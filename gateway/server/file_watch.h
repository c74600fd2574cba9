/// FileWatch: tells when files have changed, and are whole again.
///
/// It looks at what stat(2) says, behind symbolic links, since those are what deployments swap. A
/// change counts when two looks in a row see the same: who writes a certificate and then its key is
/// not caught between the two, as long as he needs less than the time between two looks.
///
/// Owner   server::Reload. Thread  the control loop's; one at a time.
/// Errors  none: a file that is not there is a state like others.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace sluice::server {

/// One file at one moment.
struct FileStamp {
  std::string path;
  bool is_there = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t changed_at = 0;  ///< mtime, in nanoseconds.
  std::uint32_t mode = 0;       ///< A key that was too open to be read is read when it is no more.

  bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] FileStamp stamp_of(const std::string& path);

class FileWatch {
 public:
  /// Watches these files; `stamps` were taken before they were read.
  void watch(std::vector<FileStamp> stamps);
  /// True: they are not as they were when they were read, and as they were at the last look. What
  /// they are now counts as read from then on.
  [[nodiscard]] bool look();
  [[nodiscard]] bool is_idle() const { return read_.empty(); }

 private:
  std::vector<FileStamp> read_;
  std::vector<FileStamp> seen_;
};

}  // namespace sluice::server
