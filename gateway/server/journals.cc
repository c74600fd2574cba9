#include "gateway/server/journals.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/journal/file.h"
#include "gateway/journal/memory.h"

namespace sluice::server {

Result<std::unique_ptr<journal::Journal>> make_journal(const Config& config, const Clock& clock,
                                                       journal::Counters& counters) {
  const journal::FileOptions& options = config.history.file;
  if (config.history.journal == Journal::memory) {
    return std::make_unique<journal::MemoryJournal>(clock, options.repeats);
  }
  return journal::FileJournal::open(options, clock, counters).map([](auto file) {
    return std::unique_ptr<journal::Journal>(std::move(file));
  });
}

Result<void> check_history_folder(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const bool is_there = fs::exists(path, ignored);
  if (is_there && !fs::is_directory(path, ignored)) {
    return fail(Errc::io, fmt::format("{} is a file; history needs a folder of its own", path));
  }
  const std::string folder = is_there ? path : fs::path(path).parent_path().string();
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return fail(Errc::io, fmt::format("{} cannot be {}: {}: {}", path, is_there ? "written" : "made",
                                    folder, std::generic_category().message(errno)));
}

}  // namespace sluice::server
