/// URLs and URL patterns. The input is a pattern, a topic and a base, each a line: what is parsed
/// is ASCII and parses to itself again, and a URL that is written as a pattern matches itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/hub/url.h"
#include "gateway/hub/url_pattern.h"
#include "gateway/hub/url_text.h"

namespace sluice::hub {
namespace {

std::string href(const Url& url) {
  std::string result = url.protocol + ":";
  if (!url.hostname.empty() || url.protocol == "file") {
    result += "//" + url.username;
    if (!url.password.empty()) result += ":" + url.password;
    if (!url.username.empty() || !url.password.empty()) result += "@";
    result += url.hostname;
    if (!url.port.empty()) result += ":" + url.port;
  } else if (url.pathname.starts_with("//")) {
    result += "/.";  // The path begins with an empty segment: no host comes.
  }
  result += url.pathname;
  if (!url.search.empty()) result += "?" + url.search;
  if (!url.hash.empty()) result += "#" + url.hash;
  return result;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void check_url(const Url& url) {
  SLUICE_ASSERT(is_ascii(href(url)), "a URL is not ASCII");
  auto again = Url::parse(href(url));
  SLUICE_ASSERT(again, "a URL that was written does not parse");
  // "foo://" and "foo:" differ in nothing else.
  if (url.pathname.empty()) again->has_opaque_path = url.has_opaque_path;
  SLUICE_ASSERT(*again == url, "a URL that was written is another one");
}

/// Only what has no second meaning in a pattern.
void check_itself(const Url& url) {
  const bool is_plain = is_special(url.protocol) && url.username.empty() && url.password.empty() &&
                        !url.search.starts_with('?') && !url.hash.starts_with('#');
  std::string text;
  for (const char c : href(url)) {
    if (std::string_view("+*?:{}()\\").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  if (!is_plain || text.size() > UrlPattern::kMaxLength) return;
  const auto pattern = UrlPattern::parse(text, nullptr);
  SLUICE_ASSERT(pattern && pattern->matches(url), "a URL does not match itself");
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void check(std::string_view text) {
  const std::string_view pattern_text = take_line(text);
  const std::string_view topic = take_line(text);
  const auto base = Url::parse(take_line(text));
  const Url* parent = base ? &*base : nullptr;
  const auto url = Url::parse(topic, parent);
  if (url) {
    check_url(*url);
    check_itself(*url);
  }
  const auto pattern = UrlPattern::parse(pattern_text, parent);
  if (!pattern) {
    SLUICE_ASSERT(!pattern.error().what.empty(), "an error that says nothing");
  } else if (url) {
    static_cast<void>(pattern->matches(*url));
  }
}

}  // namespace
}  // namespace sluice::hub

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  const std::string text(data, data + size);
  sluice::hub::check(text);
  return 0;
}
