/// UriTemplate: does a topic come from a URI Template (RFC 6570, levels 1 to 4)?
///
/// Compiled once into a list of steps and run as a set of states, without backtracking: matching
/// costs at most the topic's length × twice the number of expressions, whatever the template.
/// Thread  immutable after parse(); any.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::hub {

class UriTemplate {
 public:
  // A template that needs more is not one.
  static constexpr std::size_t kMaxSteps = 256;
  static constexpr std::size_t kMaxExpressions = 32;

  /// None when `text` is not a template: no expression in it, or malformed.
  static std::optional<UriTemplate> parse(std::string_view text);

  [[nodiscard]] bool matches(std::string_view topic) const;
  /// How long it is, compiled: what matching costs grows with it.
  [[nodiscard]] std::size_t steps() const { return steps_.size(); }
  /// What every match begins with.
  [[nodiscard]] std::string_view prefix() const { return prefix_; }

 private:
  using Class = std::bitset<256>;
  enum class Action : std::uint8_t {
    one,       ///< Takes one byte of the class, then the next step.
    optional,  ///< The same, or goes to step `skip` without taking any.
    many,      ///< Takes any number of bytes of the class.
  };
  struct Step {
    Action action;
    std::uint16_t set;   ///< Index in sets_.
    std::uint16_t skip;  ///< For `optional`: where an absent expression goes on.
  };

  bool add_literal(std::string_view text);
  bool add_expression(std::string_view body);
  std::uint16_t set_of(const Class& bytes);
  struct States;
  void enter(States& states, std::size_t step) const;

  std::string prefix_;
  std::vector<Step> steps_;  ///< Behind the prefix.
  std::vector<Class> sets_;
};

}  // namespace sluice::hub
