#include "gateway/hub/uri_template.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::hub {
namespace {

constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%";
constexpr std::string_view kReserved = ":/?#[]@!$&'()*+,;=";
constexpr std::string_view kVariable =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.%";

/// RFC 6570, appendix A: what an operator puts first, and between values.
struct Operator {
  char sign;               ///< 0: none.
  char first;              ///< 0: none.
  std::string_view extra;  ///< Allowed beside unreserved: separators and "name=".
  bool reserved;           ///< Reserved characters pass unescaped.
};
constexpr Operator kOperators[] = {{'+', 0, "", true},      {'#', '#', "", true},
                                   {'.', '.', ",=", false}, {'/', '/', ",=", false},
                                   {';', ';', ",=", false}, {'?', '?', ",=&", false},
                                   {'&', '&', ",=", false}, {0, 0, ",=", false}};

const Operator& operator_of(char sign) {
  for (const Operator& op : kOperators) {
    if (op.sign == sign) return op;
  }
  return kOperators[std::size(kOperators) - 1];
}

/// The `:N` of `{var:N}`; 0 when there is none; none when it is malformed.
std::optional<std::size_t> length_limit(std::string_view spec, std::string_view& name) {
  const std::size_t colon = spec.find(':');
  name = spec.substr(0, colon);
  if (colon == std::string_view::npos) return 0;
  const std::string_view digits = spec.substr(colon + 1);
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), limit);
  const bool good =
      error == std::errc{} && end == digits.data() + digits.size() && limit > 0 && limit < 10'000;
  if (!good) return std::nullopt;
  return limit;
}

}  // namespace

std::optional<UriTemplate> UriTemplate::parse(std::string_view text) {
  UriTemplate made;
  std::size_t expressions = 0;
  while (!text.empty()) {
    const std::size_t open = text.find_first_of("{}");
    if (expressions == 0) {
      made.prefix_ = text.substr(0, open);
    } else if (!made.add_literal(text.substr(0, open))) {
      return std::nullopt;
    }
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find_first_of("{}", open + 1);
    if (text[open] != '{' || close == std::string_view::npos || text[close] != '}') {
      return std::nullopt;
    }
    if (!made.add_expression(text.substr(open + 1, close - open - 1))) return std::nullopt;
    if (++expressions > kMaxExpressions) return std::nullopt;
    text.remove_prefix(close + 1);
  }
  if (expressions == 0) return std::nullopt;
  return made;
}

bool UriTemplate::add_literal(std::string_view text) {
  if (steps_.size() + text.size() > kMaxSteps) return false;
  for (const char c : text) {
    Class one;
    one.set(static_cast<unsigned char>(c));
    steps_.push_back({Action::one, set_of(one), 0});
  }
  return true;
}

bool UriTemplate::add_expression(std::string_view body) {
  if (body.empty()) return false;
  const Operator& op = operator_of(body.front());
  if (op.sign != 0) body.remove_prefix(1);
  Class allowed;
  for (const char c : kUnreserved) allowed.set(static_cast<unsigned char>(c));
  for (const char c : op.reserved ? kReserved : op.extra)
    allowed.set(static_cast<unsigned char>(c));
  if (op.first != 0) allowed.set(static_cast<unsigned char>(op.first));

  std::size_t limit = 0;  // 0: any length. Several variables share one run of characters.
  bool is_single = true;
  for (bool more = true; more;) {
    const std::size_t comma = body.find(',');
    std::string_view spec = body.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) body.remove_prefix(comma + 1);
    is_single = is_single && !more;
    const bool explodes = !spec.empty() && spec.back() == '*';
    if (explodes) spec.remove_suffix(1);
    std::string_view name;
    const auto length = length_limit(spec, name);
    if (!length || name.empty() || (explodes && *length > 0)) return false;
    if (name.find_first_not_of(kVariable) != std::string_view::npos) return false;
    limit = is_single ? *length : 0;
  }
  const std::size_t needed = (op.first != 0 ? 1 : 0) + std::max<std::size_t>(limit, 1);
  if (steps_.size() + needed > kMaxSteps) return false;
  const auto after = static_cast<std::uint16_t>(steps_.size() + needed);
  if (op.first != 0) {
    Class first;
    first.set(static_cast<unsigned char>(op.first));
    steps_.push_back({Action::optional, set_of(first), after});
  }
  const std::uint16_t set = set_of(allowed);
  if (limit == 0) steps_.push_back({Action::many, set, 0});
  for (std::size_t i = 0; i < limit; ++i) steps_.push_back({Action::optional, set, after});
  return true;
}

std::uint16_t UriTemplate::set_of(const Class& bytes) {
  const auto found = std::find(sets_.begin(), sets_.end(), bytes);
  const auto index = static_cast<std::uint16_t>(found - sets_.begin());
  if (found == sets_.end()) sets_.push_back(bytes);
  return index;
}

/// The steps that may take the next byte, each once; the one behind the last means "matched".
struct UriTemplate::States {
  explicit States(std::size_t steps) : is_in(steps + 1) {}
  void clear() {
    for (const std::size_t step : list) is_in[step] = false;
    list.clear();
  }
  std::vector<std::size_t> list;
  std::vector<bool> is_in;
};

/// Adds `step` and every step that is reached from it without taking a byte.
void UriTemplate::enter(States& states, std::size_t step) const {
  while (!states.is_in[step]) {
    states.is_in[step] = true;
    states.list.push_back(step);
    if (step == steps_.size() || steps_[step].action == Action::one) return;
    step = steps_[step].action == Action::many ? step + 1 : steps_[step].skip;
  }
}

bool UriTemplate::matches(std::string_view topic) const {
  if (!topic.starts_with(prefix_)) return false;
  topic.remove_prefix(prefix_.size());
  States now(steps_.size());
  States next(steps_.size());
  enter(now, 0);
  for (const char c : topic) {
    for (const std::size_t step : now.list) {
      if (step == steps_.size() || !sets_[steps_[step].set].test(static_cast<unsigned char>(c))) {
        continue;
      }
      enter(next, steps_[step].action == Action::many ? step : step + 1);
    }
    if (next.list.empty()) return false;
    std::swap(now, next);
    next.clear();
  }
  return now.is_in[steps_.size()];
}

}  // namespace sluice::hub
