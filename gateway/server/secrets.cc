#include "gateway/server/secrets.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "gateway/base/ascii.h"

namespace sluice::server {
namespace {

constexpr std::string_view kRedacted = "REDACTED";

struct Letter {
  char c;
  std::size_t length;  ///< As it is written.
};

/// The first of a text that is not empty. "%65", "%2565", "%252565" are all "e": who nests a URL in
/// another one escapes it once more. A broken escape is the '%' that it begins with.
Letter first_letter(std::string_view text) {
  if (text.front() != '%') return {text.front(), 1};
  std::size_t end = 1;
  while (text.substr(end, 2) == "25") end += 2;
  const int high = end < text.size() ? hex_digit(text[end]) : -1;
  const int low = end + 1 < text.size() ? hex_digit(text[end + 1]) : -1;
  if (high >= 0 && low >= 0) return {static_cast<char>(high * 16 + low), end + 2};
  return {'%', end};
}

/// Takes `name` decoded. One that cannot be decoded may be anything.
bool is_secret_name(std::string_view name) {
  if (name.find('%') != name.npos) return true;
  constexpr std::array<std::string_view, 14> kParts{
      "authorization", "token",     "secret",          "passw",   "passphrase",
      "passcode",      "signature", "apikey",          "session", "credential",
      "accesskey",     "assertion", "subscriptionkey", "jwt"};
  std::string letters;  // "api_key", "api-key" and "apiKey" are one.
  std::copy_if(name.begin(), name.end(), std::back_inserter(letters), is_alnum);
  letters = to_lower(letters);
  if (std::any_of(kParts.begin(), kParts.end(),
                  [&](auto part) { return letters.find(part) != letters.npos; })) {
    return true;
  }
  constexpr std::array<std::string_view, 9> kWhole{"key",  "sig", "code", "pwd",   "pass",
                                                   "auth", "sid", "otp",  "ticket"};
  if (name.ends_with(']')) name.remove_suffix(1);  // "user[pass]"
  const std::string last = to_lower(name.substr(name.find_last_of("[./ ") + 1));
  return std::find(kWhole.begin(), kWhole.end(), last) != kWhole.end();
}

/// Of one parameter: what stands between two '&'.
std::string parameter_without_secrets(std::string_view text) {
  std::string out;
  std::string name;  // What would be one if '=' came next.
  std::size_t login = out.npos;
  char before = 0;
  while (!text.empty()) {
    const auto [c, length] = first_letter(text);
    out += text.substr(0, length);
    text.remove_prefix(length);
    if (c == '=' && is_secret_name(name)) {
      if (!text.empty()) out += kRedacted;
      return out;
    }
    if (c == '@' && login != out.npos) {
      out.resize(login);
    } else if (c == '/') {
      login = before == '/' ? out.size() : out.npos;
    } else if (c == '?' || c == '#') {
      login = out.npos;
    }
    const bool is_end = std::string_view("?&;#=").find(c) != std::string_view::npos;
    is_end ? name.clear() : name.push_back(c);
    before = c;
  }
  return out;
}

/// How long "eyJ" is at the front, as it is written; 0: something else is there. It is how `{"`,
/// the beginning of a token's header, looks in base64.
std::size_t beginning_of_token(std::string_view text) {
  std::size_t length = 0;
  for (const char wanted : std::string_view("eyJ")) {
    if (length == text.size()) return 0;
    const Letter letter = first_letter(text.substr(length));
    if (letter.c != wanted) return 0;
    length += letter.length;
  }
  return length;
}

}  // namespace

std::string without_tokens(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = beginning_of_token(text);
    if (length == 0) {
      length = std::min(text.find_first_of("e%", 1), text.size());
      out += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    }
    bool has_dot = false;
    while (length < text.size()) {
      const Letter next = first_letter(text.substr(length));
      if (!is_alnum(next.c) && next.c != '-' && next.c != '_' && next.c != '.') break;
      has_dot = has_dot || next.c == '.';
      length += next.length;
    }
    // What has no dot as a whole has none in any part of it: nothing is looked at twice.
    out += has_dot ? kRedacted : text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

std::string without_secrets(std::string_view query) {
  std::string result;
  while (true) {
    const std::size_t end = query.find_first_of("&;");
    result += parameter_without_secrets(query.substr(0, end));
    if (end == query.npos) return without_tokens(result);
    result += query[end];
    query.remove_prefix(end + 1);
  }
}

std::string url_without_secrets(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const std::size_t query = url.find('?');
  std::string_view place = url.substr(0, query);
  std::string result;
  const std::size_t scheme = place.find("//");
  if (scheme != place.npos) {
    const std::size_t host = scheme + 2;
    const std::size_t end = std::min(place.find('/', host), place.size());
    const std::size_t user = place.substr(0, end).rfind('@');
    result = place.substr(0, host);
    place.remove_prefix(user == place.npos || user < host ? host : user + 1);
  }
  result += without_tokens(place);
  if (query != url.npos) result += '?' + without_secrets(url.substr(query + 1));
  return result;
}

}  // namespace sluice::server
