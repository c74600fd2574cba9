/// Headers: the fields of a message, in order, names in lower case (RFC 9110 §5, RFC 9113 §8.2.1).
///
/// Thread  plain values.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

struct Field {
  std::string name;   ///< Lower case.
  std::string value;  ///< Without blanks at its ends; may hold bytes ≥ 0x80.
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  /// Room for so many, without moving those that are there again and again.
  void reserve(std::size_t count) { fields_.reserve(count); }
  void add(std::string name, std::string value) {
    fields_.push_back({std::move(name), std::move(value)});
  }
  void remove(std::string_view name) {
    remove_if([&](const Field& field) { return field.name == name; });
  }
  template <class Unwanted>
  void remove_if(Unwanted is_unwanted) {
    std::erase_if(fields_, is_unwanted);
  }
  /// Instead of all fields of that name.
  void set(std::string name, std::string value) {
    remove(name);
    add(std::move(name), std::move(value));
  }
  /// The first field of that name, or none. Good until the headers change.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  /// All fields of that name joined with ", ".
  [[nodiscard]] std::optional<std::string> joined(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

/// True for "text/event-stream" in "text/html, text/event-stream;q=0.9"; ignores case and
/// parameters.
bool accepts(std::string_view header, std::string_view media_type);

}  // namespace sluice::http
