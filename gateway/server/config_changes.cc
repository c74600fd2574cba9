#include "gateway/server/config_changes.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "gateway/server/config_table.h"

namespace sluice::server {
namespace {

std::string text_of(const Config& config, const std::string& key) {
  const auto at = config.texts.find(key);
  return at == config.texts.end() ? std::string() : at->second;
}

/// "route[2]" of "route[2].path"; "" of "tls.key", and of what stands in a section's own arrays.
std::string_view table_of(std::string_view key) {
  const std::size_t end = key.find(']');
  const bool is_array = end != key.npos && key.find('.') > end;
  return is_array ? key.substr(0, end + 1) : std::string_view();
}

template <class Owner>
bool is_live(const std::vector<Row<Owner>>& rows, std::string_view key) {
  return std::any_of(rows.begin(), rows.end(),
                     [key](const Row<Owner>& row) { return row.is_live && row.key == key; });
}

/// "hub.publisher_keys" of "hub.publisher_keys[0].secret".
std::string_view without_index(std::string_view key) {
  return key.substr(0, key.find('['));
}

/// Of any key of the file.
bool is_live(std::string_view key) {
  const std::string_view table = table_of(key);
  if (table.empty()) return is_live(config_rows(), without_index(key));
  const std::string_view member = without_index(key.substr(std::min(table.size() + 1, key.size())));
  if (table.starts_with("listen[")) return is_live(listen_rows(), member);
  return table.starts_with("route[") && is_live(route_rows(), member);
}

class Comparison {
 public:
  Comparison(const Config& running, Config read) : running_(running), read_(std::move(read)) {}

  ConfigChanges run() {
    look_at_sections();
    look_at_tables();
    look_at_sources();
    take_over();
    return std::move(changes_);
  }

 private:
  void keep(const std::string& key) {
    const Place place = place_of(read_.places, {key, key.substr(0, key.find('.'))});
    changes_.kept.push_back({read_.file, place.line, place.column, key});
  }
  [[nodiscard]] bool differs(const Row<Config>& row) const;
  void look_at_sections();
  void look_at_tables();
  void look_at_sources();
  void take_over();
  void take_over_listeners(Config& merged);

  const Config& running_;
  Config read_;
  ConfigChanges changes_;
};

/// What a row shows is the value, however it is written; where it shows nothing, what is written.
bool Comparison::differs(const Row<Config>& row) const {
  const std::string before = row.show(running_);
  const std::string after = row.show(read_);
  if (before != after) return true;
  const std::string key(row.key);
  if (!before.empty()) return false;
  if (text_of(running_, key) != text_of(read_, key)) return true;
  // An array of tables in a section: "hub.publisher_keys[0].secret".
  const auto entries = [&key](const Config& config) {
    std::vector<std::pair<std::string, std::string>> found;
    for (auto at = config.texts.lower_bound(key + '['); at != config.texts.end(); ++at) {
      if (!at->first.starts_with(key + '[')) break;
      found.push_back(*at);
    }
    return found;
  };
  return entries(running_) != entries(read_);
}

void Comparison::look_at_sections() {
  for (const Row<Config>& row : config_rows()) {
    if (!differs(row)) continue;
    if (row.is_live) {
      changes_.taken.emplace_back(row.key);
    } else {
      keep(std::string(row.key));
    }
  }
}

/// [[listen]], [[topic]], [[upstream]], [[route]]: by their places in the file. Of a table that is
/// new or gone the table is named, of others each key.
void Comparison::look_at_tables() {
  std::set<std::string> keys;
  std::set<std::string, std::less<>> before;
  std::set<std::string, std::less<>> after;
  const auto collect = [&keys](const Config& config, auto& tables) {
    for (const auto& [key, text] : config.texts) {
      const std::string_view table = table_of(key);
      if (table.empty()) continue;
      keys.insert(key);
      tables.emplace(table);
    }
  };
  collect(running_, before);
  collect(read_, after);
  std::set<std::string> named;
  for (const std::string& key : keys) {
    if (text_of(running_, key) == text_of(read_, key)) continue;
    const std::string_view table = table_of(key);
    const bool is_in_both = before.contains(table) && after.contains(table);
    if (is_in_both && is_live(key)) {
      changes_.taken.push_back(key);
      continue;
    }
    const std::string name = is_in_both ? key : std::string(table);
    if (named.insert(name).second) keep(name);
  }
}

/// Keys are taken over, but the threads that fetch some are there from the start.
void Comparison::look_at_sources() {
  const HubAccess& before = running_.access;
  const HubAccess& after = read_.access;
  if (before.publisher_jwks != after.publisher_jwks) keep("hub.publisher_keys");
  if (before.subscriber_jwks != after.subscriber_jwks) keep("hub.subscriber_keys");
  const auto& routes = running_.relay.access;
  for (std::size_t i = 0; i < std::min(routes.size(), read_.relay.access.size()); ++i) {
    const RouteAccess& other = read_.relay.access[i];
    if (routes[i].jwks != other.jwks || routes[i].has_own_keys() != other.has_own_keys()) {
      keep("route[" + std::to_string(i) + "].keys");
    }
  }
}

void Comparison::take_over() {
  Config merged = running_;
  merged.log_level = read_.log_level;
  merged.tls = read_.tls;
  merged.retry = read_.retry;
  merged.drain = read_.drain;
  merged.limits.streams = read_.limits.streams;
  merged.limits.streams_per_connection = read_.limits.streams_per_connection;
  // Without a listener that needs them in the new file they were not read; those that run do.
  if (!read_.tls_files.certificates.empty()) merged.tls_files = read_.tls_files;
  merged.access.publisher_keys = read_.access.publisher_keys;
  merged.access.subscriber_keys = read_.access.subscriber_keys;
  merged.access.publisher_certificates = read_.access.publisher_certificates;
  for (std::size_t i = 0; i < merged.relay.access.size(); ++i) {
    RouteAccess& access = merged.relay.access[i];
    if (i >= read_.relay.access.size() || !access.has_own_keys()) continue;
    if (merged.relay.routes[i].path != read_.relay.routes[i].path) continue;
    if (read_.relay.access[i].has_own_keys()) access.keys = read_.relay.access[i].keys;
  }
  take_over_listeners(merged);
  // What runs is what the next file is compared with.
  merged.places = read_.places;
  std::erase_if(merged.texts, [](const auto& entry) { return is_live(entry.first); });
  for (const auto& [key, text] : read_.texts) {
    if (is_live(key)) merged.texts.insert_or_assign(key, text);
  }
  changes_.merged = std::move(merged);
}

/// As long as the tables are those of the same listeners.
void Comparison::take_over_listeners(Config& merged) {
  for (std::size_t i = 0; i < std::min(merged.listens.size(), read_.listens.size()); ++i) {
    Listen& listen = merged.listens[i];
    if (listen.address != read_.listens[i].address || listen.tls != read_.listens[i].tls) continue;
    listen.client_certificates = read_.listens[i].client_certificates;
  }
}

}  // namespace

ConfigChanges compare(const Config& running, Config read) {
  return Comparison(running, std::move(read)).run();
}

}  // namespace sluice::server
