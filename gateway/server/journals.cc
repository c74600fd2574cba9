#include "gateway/server/journals.h"

#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/hub/rules.h"
#include "gateway/journal/file.h"
#include "gateway/journal/memory.h"
#include "gateway/redis/journal.h"
#include "gateway/server/files.h"

namespace sluice::server {

namespace {

/// The [[topic]] tables, as the journal wants them.
journal::RetentionOf retention_of(const std::vector<hub::TopicRule>& topic_rules) {
  struct Rules {
    explicit Rules(const std::vector<hub::TopicRule>& all) : rules(all) {}
    hub::Rules rules;
    std::map<const hub::TopicRule*, journal::Retention> retention;
  };
  const auto shared = std::make_shared<Rules>(topic_rules);
  if (!shared->rules.has_retention()) return nullptr;
  shared->rules.for_each([&](const hub::TopicRule& rule) {
    if (!rule.has_retention()) return;
    shared->retention[&rule] = {.events = rule.max_events,
                                .bytes = rule.max_bytes,
                                .age = rule.max_age,
                                .is_state = rule.policy == hub::Policy::latest};
  });
  return [shared](std::string_view topic) -> const journal::Retention* {
    const auto found = shared->retention.find(shared->rules.find(std::string(topic)));
    return found == shared->retention.end() ? nullptr : &found->second;
  };
}

/// Without a file the password is left as it is.
Result<void> read_password(std::string_view option, const std::string& file,
                           std::string& password) {
  if (file.empty()) return {};
  auto secret = read_secret_file(file);
  if (!secret) {
    return fail(secret.error().code, fmt::format("{}: {}", option, secret.error().what));
  }
  password = std::move(*secret);
  return {};
}

Result<std::unique_ptr<journal::Journal>> make_redis_journal(const Config& config,
                                                             const Clock& clock,
                                                             JournalCounters& counters) {
  const HistoryOptions& history = config.history;
  redis::Options options = history.redis;
  options.retention = history.file.retention;
  options.repeats = history.file.repeats;
  options.cache_bytes = history.file.cache_bytes;
  options.revocations = config.subjects.revocations;
  options.remember = config.subjects.remember;
  auto read = read_password("history.password_file", history.password_file, options.link.password);
  if (read) {
    read = read_password("history.sentinel_password_file", history.sentinel_password_file,
                         options.link.sentinel_password);
  }
  if (!read) return tl::unexpected(read.error());
  return redis::RedisJournal::open(std::move(options), clock, counters.journal, counters.redis)
      .map([](auto journal) { return std::unique_ptr<journal::Journal>(std::move(journal)); });
}

}  // namespace

Result<std::unique_ptr<journal::Journal>> make_journal(const Config& config, const Clock& clock,
                                                       JournalCounters& counters) {
  if (config.history.journal == Journal::redis) {
    return make_redis_journal(config, clock, counters);
  }
  journal::FileOptions options = config.history.file;
  options.retention_of = retention_of(config.hub.rules);
  if (config.history.journal == Journal::memory) {
    return std::make_unique<journal::MemoryJournal>(clock, options.repeats);
  }
  return journal::FileJournal::open(std::move(options), clock, counters.journal).map([](auto file) {
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
