/// TableCheck: what the checks of one kind of table share: which table it is, and what is said of
/// it.
///
/// Thread  main, before start.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/server/config.h"
#include "gateway/server/config_check.h"

namespace sluice::server {

class TableCheck {
 public:
  TableCheck(const Config& config, const Places& places) : config_(config), places_(places) {}

 protected:
  ~TableCheck() = default;

  /// From now on it is about that table: "route[0]".
  void look_at(std::string key) { key_ = std::move(key); }
  /// The table stands in the file. One may be made of what another one's members say.
  [[nodiscard]] bool is_given() const { return places_.contains(key_); }
  [[nodiscard]] bool is_given(std::string_view member) const {
    return places_.contains(fmt::format("{}.{}", key_, member));
  }
  /// About a member, at its place, or at the table's.
  void fault(std::string_view member, std::string_view message) {
    const std::string key = fmt::format("{}.{}", key_, member);
    add(place_of(places_, {key, key_}), fmt::format("{}: {}", key, message));
  }
  void fault_of_table(std::string message) { add(place_of(places_, {key_}), std::move(message)); }
  /// Members that say something only beside another one.
  void need(bool is_there, std::string_view what, std::initializer_list<std::string_view> members) {
    if (is_there) return;
    for (const std::string_view member : members) {
      if (is_given(member)) fault(member, fmt::format("is of no use without {}", what));
    }
  }

  const Config& config_;
  const Places& places_;
  std::vector<Fault> faults_;

 private:
  void add(Place place, std::string message) {
    faults_.push_back({config_.file, place.line, place.column, std::move(message)});
  }

  std::string key_;
};

}  // namespace sluice::server
