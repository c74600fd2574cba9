#include "gateway/relay/stream_flag.h"

#include "gateway/base/ascii.h"

namespace sluice::relay {
namespace {

/// A blank stands for any number of blanks.
constexpr std::string_view kPattern = "\"stream\" : true";

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

bool StreamFlag::feed(std::string_view bytes) {
  if (is_set_) return false;
  for (const char c : bytes) {
    if (kPattern[at_] == ' ') {
      if (is_blank(c)) continue;
      ++at_;
    }
    if (c == kPattern[at_]) {
      is_set_ = ++at_ == kPattern.size();
      if (is_set_) return true;
    } else {
      at_ = c == kPattern[0] ? 1 : 0;
    }
  }
  return false;
}

}  // namespace sluice::relay
