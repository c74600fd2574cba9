/// The only file that knows TOML: it turns each node into a Value and gives it to the key's row.

#include "gateway/server/config.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "gateway/base/file.h"
#include "gateway/server/config_check.h"
#include "gateway/server/config_complete.h"
#include "gateway/server/config_keys.h"
#include "gateway/server/config_relay.h"
#include "gateway/server/config_syntax.h"
#include "gateway/server/config_table.h"
#include "gateway/server/config_unknown.h"
#include "gateway/server/config_warnings.h"

namespace sluice::server {
namespace {

Value to_texts(const toml::table& table) {
  TextTable texts;
  for (const auto& [name, node] : table) {
    const auto* text = node.as_string();
    if (text == nullptr) return std::monostate{};
    texts.emplace_back(name.str(), text->get());
  }
  return texts;
}

Value to_value(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* table = node.as_table()) return to_texts(*table);
  const auto* array = node.as_array();
  if (array == nullptr) return std::monostate{};
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) return std::monostate{};
    texts.push_back(text->get());
  }
  return texts;
}

/// The same whatever blanks and quotes it is written with.
std::string to_text(const toml::node& node) {
  std::ostringstream out;
  node.visit([&out](const auto& value) { out << value; });
  return out.str();
}

Place to_place(const toml::source_region& source) {
  return {static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

class Reader {
 public:
  explicit Reader(const std::string& file)
      : folder_(std::filesystem::absolute(file).parent_path()) {
    config_.file = file;
  }

  tl::expected<Config, std::vector<Fault>> read(const toml::table& root);

 private:
  void read_section(std::string_view name, const toml::node& node);
  /// `[[name]]`, each of which `entries` gets.
  template <class Owner>
  void read_tables(std::string_view name, const toml::node& node,
                   const std::vector<Row<Owner>>& rows, std::vector<Owner>& entries);
  void read_keys(std::string_view name, const toml::node& node, std::vector<auth::Key>& keys,
                 std::vector<JwksSource>& jwks);
  /// A member that its row does not set: a table, or an array of tables.
  template <class Owner>
  void read_nested(Owner&, std::string_view, const std::string&, const toml::node&) {}
  void read_nested(Route& route, std::string_view key, const std::string& name,
                   const toml::node& node);
  template <class Owner>
  void read_switch(Owner& owner, const std::vector<Row<Owner>>& rows, const std::string& name,
                   const toml::node& node);
  void unknown_section(const toml::key& key, const toml::node& node);
  /// An entry of an array of tables; false when one of its keys was at fault.
  template <class Owner>
  bool read_entry(Owner& owner, const std::vector<Row<Owner>>& rows, std::string_view table,
                  const toml::node& node);
  template <class Owner>
  void set(Owner& owner, const Row<Owner>& row, std::string_view name, const toml::node& node);

  void fault(Place place, std::string message) {
    faults_.push_back({config_.file, place.line, place.column, std::move(message)});
  }
  /// Those that are not merely what another fault at the same place led to.
  void add_faults(std::vector<Fault> more);

  const std::filesystem::path folder_;
  Config config_;
  std::vector<Route> routes_;  ///< As they stand in the file.
  Places places_;
  std::vector<Fault> faults_;
};

tl::expected<Config, std::vector<Fault>> Reader::read(const toml::table& root) {
  for (const auto& [key, node] : root) {
    const std::string_view name = key.str();
    const auto is_it = [&](const Section& section) { return section.name == name; };
    const auto& sections = config_sections();
    if (name == "listen") {
      read_tables(name, node, listen_rows(), config_.listens);
    } else if (name == "topic") {
      read_tables(name, node, topic_rows(), config_.hub.rules);
    } else if (name == "upstream") {
      read_tables(name, node, upstream_rows(), config_.relay.upstreams);
    } else if (name == "route") {
      read_tables(name, node, route_rows(), routes_);
    } else if (std::any_of(sections.begin(), sections.end(), is_it)) {
      read_section(name, node);
    } else {
      unknown_section(key, node);
    }
  }
  complete(config_, places_, folder_);
  add_faults(set_routes(std::move(routes_), places_, config_));
  add_faults(check(config_, places_));
  config_.places = places_;
  add_faults(read_tls_files(config_));
  if (faults_.empty()) {
    config_.warnings = warnings_of(config_, places_);
    return std::move(config_);
  }
  std::stable_sort(faults_.begin(), faults_.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return tl::unexpected(std::move(faults_));
}

void Reader::add_faults(std::vector<Fault> more) {
  std::set<std::pair<int, int>> taken;
  for (const Fault& fault : faults_) taken.emplace(fault.line, fault.column);
  for (Fault& fault : more) {
    if (!taken.contains({fault.line, fault.column})) faults_.push_back(std::move(fault));
  }
}

void Reader::read_section(std::string_view name, const toml::node& node) {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    fault(to_place(node.source()), fmt::format("{} must be one table, [{}]", name, name));
    return;
  }
  places_.emplace(name, to_place(node.source()));
  for (const auto& [key, value] : *table) {
    const std::string full = fmt::format("{}.{}", name, key.str());
    const auto& rows = config_rows();
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row<Config>& each) { return each.key == full; });
    if (full == "hub.publisher_keys") {
      read_keys(full, value, config_.access.publisher_keys, config_.access.publisher_jwks);
    } else if (full == "hub.subscriber_keys") {
      read_keys(full, value, config_.access.subscriber_keys, config_.access.subscriber_jwks);
    } else if (full == "tls.certificates") {
      read_tables(full, value, certificate_rows(), config_.tls.certificates);
    } else if (row == rows.end()) {
      fault(to_place(key.source()), unknown_key(name, key.str()));
    } else {
      set(config_, *row, full, value);
    }
  }
}

template <class Owner>
void Reader::set(Owner& owner, const Row<Owner>& row, std::string_view name,
                 const toml::node& node) {
  config_.texts.emplace(name, to_text(node));
  places_.emplace(name, to_place(node.source()));
  if (auto done = row.set(owner, to_value(node)); !done) {
    fault(to_place(node.source()), fmt::format("{}: {}", name, done.error().what));
  }
}

template <class Owner>
bool Reader::read_entry(Owner& owner, const std::vector<Row<Owner>>& rows, std::string_view table,
                        const toml::node& node) {
  const std::size_t faults = faults_.size();
  const toml::table* entries = node.as_table();
  if (entries == nullptr) {
    fault(to_place(node.source()), fmt::format("{}: must be a table", table));
    return false;
  }
  places_.emplace(table, to_place(node.source()));
  std::vector<std::string_view> names(rows.size());
  std::transform(rows.begin(), rows.end(), names.begin(), [](const auto& row) { return row.key; });
  for (const auto& [key, value] : *entries) {
    const auto at = std::find(names.begin(), names.end(), key.str());
    if (at == names.end()) {
      const Place place = to_place(key.source());
      UnknownName unknown = unknown_member(table, key.str(), names);
      fault(place, std::move(unknown.message));
      // The key that was meant counts as given: that it is missing would be the same fault again.
      if (!unknown.meant.empty()) {
        places_.emplace(fmt::format("{}.{}", table, unknown.meant), place);
      }
      continue;
    }
    const Row<Owner>& row = rows[static_cast<std::size_t>(at - names.begin())];
    const std::string name = fmt::format("{}.{}", table, key.str());
    if (row.set) {
      set(owner, row, name, value);
    } else {
      read_nested(owner, row.key, name, value);
    }
  }
  return faults_.size() == faults;
}

template <class Owner>
void Reader::read_tables(std::string_view name, const toml::node& node,
                         const std::vector<Row<Owner>>& rows, std::vector<Owner>& entries) {
  places_.emplace(name, to_place(node.source()));
  const toml::array* tables = node.as_array();
  if (tables == nullptr) {
    fault(to_place(node.source()),
          fmt::format("{} must be an array of tables; write it as [[{}]]", name, name));
    return;
  }
  for (const toml::node& element : *tables) {
    Owner entry;
    read_entry(entry, rows, fmt::format("{}[{}]", name, entries.size()), element);
    entries.push_back(std::move(entry));
  }
}

void Reader::read_nested(Route& route, std::string_view key, const std::string& name,
                         const toml::node& node) {
  if (key == "share") {
    read_switch(route.relay.share, share_rows(), name, node);
  } else if (key == "replay") {
    read_switch(route.relay.replay, replay_rows(), name, node);
  } else {
    read_keys(name, node, route.access.keys, route.access.jwks);
  }
}

/// True, false, or a table of what is not as by default.
template <class Owner>
void Reader::read_switch(Owner& owner, const std::vector<Row<Owner>>& rows, const std::string& name,
                         const toml::node& node) {
  config_.texts.emplace(name, to_text(node));
  if (const auto* flag = node.as_boolean()) {
    owner.enabled = flag->get();
    places_.emplace(name, to_place(node.source()));
  } else if (node.is_table()) {
    owner.enabled = true;
    read_entry(owner, rows, name, node);
  } else {
    fault(
        to_place(node.source()),
        fmt::format("{}: must be true, or a table of options, as in {{ linger = \"30s\" }}", name));
  }
}

void Reader::read_keys(std::string_view name, const toml::node& node, std::vector<auth::Key>& keys,
                       std::vector<JwksSource>& jwks) {
  places_.emplace(name, to_place(node.source()));
  const toml::array* entries = node.as_array();
  if (entries == nullptr) {
    fault(to_place(node.source()),
          fmt::format("{}: must be an array, as in [{{ alg = \"HS256\", secret_file = \"F\" }}]",
                      name));
    return;
  }
  std::size_t index = 0;
  for (const toml::node& element : *entries) {
    KeyEntry entry;
    if (!read_entry(entry, key_rows(), fmt::format("{}[{}]", name, index++), element)) continue;
    if (auto loaded = load_keys(entry, folder_)) {
      for (auth::Key& key : loaded->keys) keys.push_back(std::move(key));
      if (loaded->jwks) jwks.push_back(std::move(*loaded->jwks));
    } else {
      places_.insert_or_assign(std::string(name), to_place(element.source()));
      fault(to_place(element.source()), fmt::format("{}: {}", name, loaded.error().what));
    }
  }
}

void Reader::unknown_section(const toml::key& key, const toml::node& node) {
  const Place place = to_place(key.source());
  if (!node.is_table() && !node.is_array_of_tables()) {
    return fault(place, unknown_key("", key.str()));
  }
  UnknownName unknown = unknown_table(key.str());
  fault(place, std::move(unknown.message));
  // Or the next fault would be about a hub that nobody wants.
  if (unknown.meant == "route") places_.emplace(unknown.meant, place);
}

}  // namespace

tl::expected<Config, std::vector<Fault>> parse(std::string_view text, const std::string& file) {
  try {
    const toml::table root = toml::parse(text, file);
    return Reader(file).read(root);
  } catch (const toml::parse_error& error) {
    return tl::unexpected(
        std::vector{syntax_fault(text, file, to_place(error.source()), error.description())});
  }
}

namespace {

tl::expected<Config, std::vector<Fault>> parse_read(const Result<std::string>& text,
                                                    const std::string& file) {
  if (!text) return tl::unexpected(std::vector{Fault{file, 1, 1, text.error().what}});
  return parse(*text, file);
}

}  // namespace

tl::expected<Config, std::vector<Fault>> load(const std::string& file) {
  return parse_read(read_input(file), file);
}

tl::expected<Config, std::vector<Fault>> load_again(const std::string& file) {
  return parse_read(read_file(file), file);
}

}  // namespace sluice::server
