#include "gateway/http/uri.h"

#include <algorithm>

#include <fmt/core.h>

#include "gateway/base/ascii.h"
#include "gateway/base/utf8.h"

namespace sluice::http {
namespace {

enum class Plus { stays, is_blank };

Result<std::string> decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(Errc::invalid, fmt::format("'%' at byte {} lacks two hex digits", i + 1));
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::is_blank ? ' ' : text[i];
    }
  }
  return out;
}

tl::unexpected<Error> in_field(std::size_t number, std::string_view part, const Error& error) {
  return fail(error.code, fmt::format("{} of field {}: {}", part, number, error.what));
}

}  // namespace

bool is_unreserved(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

Result<std::string> percent_decode(std::string_view text) {
  return decode(text, Plus::stays);
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4U], kHex[byte & 0x0FU]};
    }
  }
  return out;
}

bool is_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_utf8(text);
}

Result<Form> parse_form(std::string_view text, std::size_t limit) {
  Form form;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
    if (piece.empty()) continue;
    if (form.size() == limit) {
      return fail(Errc::limit, fmt::format("more than {} fields", limit));
    }
    const std::size_t equals = std::min(piece.find('='), piece.size());
    auto name = decode(piece.substr(0, equals), Plus::is_blank);
    if (!name) return in_field(form.size() + 1, "name", name.error());
    auto value = decode(piece.substr(std::min(equals + 1, piece.size())), Plus::is_blank);
    if (!value) {
      return in_field(form.size() + 1, is_text(*name) ? "value '" + *name + "'" : "value",
                      value.error());
    }
    form.emplace_back(std::move(*name), std::move(*value));
  }
  return form;
}

const std::string* first(const Form& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::vector<std::string_view> all(const Form& form, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : form) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

}  // namespace sluice::http
