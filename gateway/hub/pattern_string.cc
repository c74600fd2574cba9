#include "gateway/hub/pattern_string.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/hub/pattern_tokens.h"
#include "gateway/hub/url_text.h"

namespace sluice::hub {
namespace {

/// The standard's state machine. It reads tokens, so that the colon of a name and what stands in
/// braces or parentheses end no component; a state that cannot know yet what it reads goes over
/// the tokens once and then back.
class Splitter {
 public:
  Splitter(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<UrlPattern::Init> run() {
    while (state_ != kDone) {
      step_ = 1;
      const TokenType type = tokens_[at_].type;
      if (type == TokenType::end) {
        at_end();
      } else if (type == TokenType::open) {
        ++depth_;
      } else if (depth_ == 0 || type == TokenType::close) {
        if (depth_ > 0) --depth_;
        if (auto good = in_state(); !good) return tl::unexpected<Error>(good.error());
      }
      at_ += step_;
    }
    // Who names a host and no port means the default one.
    if (init_[kHostname] && !init_[kPort]) init_[kPort] = "";
    return std::move(init_);
  }

 private:
  /// The states beside the components, whose state is their number.
  static constexpr std::size_t kInit = UrlPattern::kComponents;
  static constexpr std::size_t kAuthority = kInit + 1;
  static constexpr std::size_t kDone = kInit + 2;

  [[nodiscard]] bool is_sign(std::size_t at, char sign) const {
    const Token& token = tokens_[std::min(at, tokens_.size() - 1)];
    const bool is_plain = token.type == TokenType::character || token.type == TokenType::escaped ||
                          token.type == TokenType::invalid;
    return is_plain && token.value.size() == 1 && token.value[0] == sign;
  }
  [[nodiscard]] bool is_here(char sign) const { return is_sign(at_, sign); }
  /// A '?' that is no modifier.
  [[nodiscard]] bool is_search_here() const {
    if (is_here('?')) return true;
    if (tokens_[at_].value != "?") return false;
    if (at_ == 0) return true;
    const TokenType before = tokens_[at_ - 1].type;
    return before != TokenType::name && before != TokenType::regexp && before != TokenType::close &&
           before != TokenType::asterisk;
  }

  void rewind() {
    at_ = start_;
    step_ = 0;
  }
  void rewind_to(std::size_t state) {
    rewind();
    state_ = state;
  }

  void at_end() {
    if (state_ == kInit) {  // No protocol: it is relative.
      rewind();
      if (is_here('#')) {
        change(kHash, 1);
      } else if (is_search_here()) {
        change(kSearch, 1);
      } else {
        change(kPathname, 0);
      }
    } else if (state_ == kAuthority) {  // No '@'.
      rewind_to(kHostname);
    } else {
      change(kDone, 0);
    }
  }

  Result<void> in_state() {
    switch (state_) {
      case kInit:
        if (is_here(':')) rewind_to(kProtocol);
        break;
      case kProtocol:
        return is_here(':') ? end_protocol() : Result<void>();
      case kAuthority:
        if (is_here('@')) {
          rewind_to(kUsername);
        } else if (is_here('/') || is_search_here() || is_here('#')) {
          rewind_to(kHostname);
        }
        break;
      case kUsername:
        if (is_here(':')) {
          change(kPassword, 1);
          break;
        }
        [[fallthrough]];
      case kPassword:
        if (is_here('@')) change(kHostname, 1);
        break;
      case kHostname:
        in_hostname();
        break;
      case kPort:
        end_before_path();
        break;
      case kPathname:
        end_before_search();
        break;
      case kSearch:
        if (is_here('#')) change(kHash, 1);
        break;
      default:
        break;
    }
    return {};
  }

  Result<void> end_protocol() {
    auto compiled = compile_protocol(component_string());
    if (!compiled) return tl::unexpected<Error>(compiled.error());
    is_special_ = matches_special(*compiled);
    const bool has_slashes = is_sign(at_ + 1, '/') && is_sign(at_ + 2, '/');
    change(has_slashes || is_special_ ? kAuthority : kPathname, has_slashes ? 3 : 1);
    return {};
  }

  void in_hostname() {
    if (is_here('[')) {
      ++brackets_;
    } else if (is_here(']')) {
      --brackets_;
    } else if (is_here(':') && brackets_ == 0) {
      change(kPort, 1);
    } else {
      end_before_path();
    }
  }
  void end_before_path() {
    if (is_here('/')) {
      change(kPathname, 0);
    } else {
      end_before_search();
    }
  }
  void end_before_search() {
    if (is_search_here()) {
      change(kSearch, 1);
    } else if (is_here('#')) {
      change(kHash, 1);
    }
  }

  [[nodiscard]] std::string_view component_string() const {
    const std::size_t from = tokens_[std::min(start_, tokens_.size() - 1)].index;
    return text_.substr(from, tokens_[at_].index - from);
  }

  /// Ends the component, and goes on behind `skip` tokens. What the pattern jumps over is empty,
  /// not anything: "https://a?b" has the path "/".
  void change(std::size_t state, std::size_t skip) {
    if (state_ < UrlPattern::kComponents) init_[state_] = std::string(component_string());
    if (state_ != kInit && state < UrlPattern::kComponents) {
      const std::size_t from = state_ == kAuthority ? kProtocol : state_;
      const auto fill = [&](std::size_t component, std::string_view text) {
        if (from < component && component < state && !init_[component]) {
          init_[component] = std::string(text);
        }
      };
      fill(kHostname, "");
      fill(kPathname, is_special_ ? "/" : "");
      fill(kSearch, "");
    }
    state_ = state;
    at_ += skip;
    start_ = at_;
    step_ = 0;
  }

  std::string_view text_;
  const std::vector<Token> tokens_;
  UrlPattern::Init init_;
  std::size_t state_ = kInit;
  std::size_t at_ = 0;     ///< The token.
  std::size_t start_ = 0;  ///< The token that the component begins with.
  std::size_t step_ = 1;
  std::size_t depth_ = 0;  ///< Of braces.
  int brackets_ = 0;       ///< Of an IPv6 address.
  bool is_special_ = false;
};

}  // namespace

Result<UrlPattern::Init> split_pattern(std::string_view text) {
  auto tokens = tokenize(text, TokenPolicy::lenient);
  if (!tokens) return tl::unexpected<Error>(tokens.error());
  return Splitter(text, std::move(*tokens)).run();
}

bool matches_special(const PatternComponent& protocol) {
  return std::any_of(std::begin(kSpecialSchemes), std::end(kSpecialSchemes),
                     [&](std::string_view scheme) { return protocol.matches(scheme); });
}

Result<PatternComponent> compile_protocol(std::string_view pattern) {
  return PatternComponent::compile(pattern, {.encode = canonical_scheme});
}

}  // namespace sluice::hub
