#include "gateway/server/file_watch.h"

#include <sys/stat.h>
#include <utility>

namespace sluice::server {

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  FileStamp stamp{.path = path};
  if (::stat(path.c_str(), &status) != 0) return stamp;
  constexpr std::int64_t kSecond = 1'000'000'000;
  stamp.is_there = true;
  stamp.device = status.st_dev;
  stamp.inode = status.st_ino;
  stamp.size = status.st_size;
  stamp.changed_at = status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec;
  stamp.mode = status.st_mode;
  return stamp;
}

void FileWatch::watch(std::vector<FileStamp> stamps) {
  read_ = std::move(stamps);
  seen_ = read_;
}

bool FileWatch::look() {
  std::vector<FileStamp> now;
  now.reserve(read_.size());
  for (const FileStamp& each : read_) now.push_back(stamp_of(each.path));
  const bool stands_still = now == seen_;
  seen_ = std::move(now);
  if (!stands_still || seen_ == read_) return false;
  read_ = seen_;
  return true;
}

}  // namespace sluice::server
