/// PidFile: the number of the process that serves, for scripts that send it signals.
///
/// After an upgrade it is the new process's; the old one removes the file only while it is its own.
/// Owner   server::Gateway. Thread  main.
#pragma once

#include <string>

#include "gateway/base/result.h"

namespace sluice::server {

class PidFile {
 public:
  PidFile() = default;
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  /// `path` empty: there is none. It appears whole or not at all.
  Result<void> write(const std::string& path);

 private:
  std::string path_;
};

}  // namespace sluice::server
