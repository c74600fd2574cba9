/// Percent-encoding, and the fields of a form or a query string (RFC 3986 §2.1, WHATWG URL §5.1).
///
/// Thread  any; plain values.
/// Errors  Errc::invalid for a broken escape, Errc::limit for too many fields; the message says
///         where.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"

namespace sluice::http {

/// "a%2Fb" is "a/b"; "+" stays. The result may hold any byte: ask is_text() where it matters.
Result<std::string> percent_decode(std::string_view text);
/// One of `A-Z a-z 0-9 - . _ ~` (RFC 3986 §2.3): means the same whether it is escaped or not.
bool is_unreserved(char c);
/// Escapes all but those.
std::string percent_encode(std::string_view text);

/// True for well-formed UTF-8 without U+0000.
bool is_text(std::string_view text);

/// Name and value of each field, decoded, in order.
using Form = std::vector<std::pair<std::string, std::string>>;

/// Reads `application/x-www-form-urlencoded`, of a body or of a query. '+' is a blank, a field
/// without '=' has an empty value, empty pieces are skipped. More than `limit` fields are an error.
Result<Form> parse_form(std::string_view text, std::size_t limit);
/// The first value of that name, or none. Good as long as the form.
const std::string* first(const Form& form, std::string_view name);
/// All values of that name, in order. Good as long as the form.
std::vector<std::string_view> all(const Form& form, std::string_view name);

}  // namespace sluice::http
