#include "gateway/hub/url.h"

#include <algorithm>
#include <utility>

#include "gateway/base/utf8.h"
#include "gateway/hub/url_text.h"

namespace sluice::hub {
namespace {

/// One parse. The standard's states are functions here: each takes what is left of the text.
class Parser {
 public:
  explicit Parser(const Url* base) : base_(base) {}

  std::optional<Url> run(std::string_view text) {
    const std::size_t colon = text.find(':');
    auto scheme =
        colon == std::string_view::npos ? std::nullopt : canonical_scheme(text.substr(0, colon));
    const bool is_good =
        scheme ? absolute(std::move(*scheme), text.substr(colon + 1)) : no_scheme(text);
    if (!is_good) return std::nullopt;
    return std::move(url_);
  }

 private:
  [[nodiscard]] bool is_slash(std::string_view text, std::size_t at) const {
    return at < text.size() && (text[at] == '/' || (is_special_ && text[at] == '\\'));
  }
  void set_scheme(std::string scheme) {
    is_special_ = is_special(scheme);
    url_.protocol = std::move(scheme);
  }

  bool absolute(std::string scheme, std::string_view rest) {
    set_scheme(std::move(scheme));
    if (url_.protocol == "file") return file(rest);
    if (is_special_) {
      if (base_ && base_->protocol == url_.protocol && !rest.starts_with("//")) {
        return relative(rest);
      }
      return authority(without_slashes(rest));
    }
    if (rest.starts_with("//")) return authority(rest.substr(2));
    if (rest.starts_with('/')) return path_start(rest);
    return opaque_path(rest);
  }

  bool no_scheme(std::string_view text) {
    if (!base_) return false;
    if (base_->has_opaque_path) {
      if (!text.starts_with('#')) return false;
      url_ = *base_;
      return fragment(text);
    }
    set_scheme(base_->protocol);
    return url_.protocol == "file" ? file(text) : relative(text);
  }

  bool relative(std::string_view rest) {
    if (is_slash(rest, 0) && is_slash(rest, 1)) {
      return authority(is_special_ ? without_slashes(rest) : rest.substr(2));
    }
    url_.username = base_->username;
    url_.password = base_->password;
    url_.hostname = base_->hostname;
    url_.port = base_->port;
    return path_from_base(rest);
  }

  /// A reference without authority: its path stands in place of the base's, or behind it.
  bool path_from_base(std::string_view rest) {
    if (is_slash(rest, 0)) return path(rest.substr(1));
    url_.pathname = base_->pathname;
    if (rest.empty() || rest[0] == '#') {
      url_.search = base_->search;
      return fragment(rest);
    }
    if (rest[0] == '?') return query(rest);
    shorten_path(url_.pathname);
    return path(rest);
  }

  bool file(std::string_view rest) {
    const bool has_base = base_ && base_->protocol == "file";
    if (is_slash(rest, 0) && is_slash(rest, 1)) {
      rest.remove_prefix(2);
      const std::size_t end = std::min(rest.find_first_of("/\\?#"), rest.size());
      if (end > 0 && !host(rest.substr(0, end))) return false;
      if (url_.hostname == "localhost") url_.hostname.clear();
      return path_start(rest.substr(end));
    }
    if (!has_base) return path_start(rest);
    url_.hostname = base_->hostname;
    return path_from_base(rest);
  }

  /// "http:/x" and "http:///x" are "http://x".
  static std::string_view without_slashes(std::string_view rest) {
    return rest.substr(std::min(rest.find_first_not_of("/\\"), rest.size()));
  }

  bool authority(std::string_view rest) {
    const std::size_t end =
        std::min(rest.find_first_of(is_special_ ? "/\\?#" : "/?#"), rest.size());
    std::string_view text = rest.substr(0, end);
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
      const std::string_view login = text.substr(0, at);
      const std::size_t colon = std::min(login.find(':'), login.size());
      url_.username = percent_encode(login.substr(0, colon), EncodeSet::userinfo);
      url_.password =
          percent_encode(login.substr(std::min(colon + 1, login.size())), EncodeSet::userinfo);
      text.remove_prefix(at + 1);
      if (text.empty()) return false;
    }
    const std::size_t bracket = text.find(']');
    const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const std::string_view name = text.substr(0, colon);
    if (name.empty() && (is_special_ || colon != std::string_view::npos)) return false;
    if (!name.empty() && !host(name)) return false;
    if (colon != std::string_view::npos && !port(text.substr(colon + 1))) return false;
    return path_start(rest.substr(end));
  }

  bool host(std::string_view text) {
    auto host = canonical_host(text, is_special_);
    if (!host) return false;
    url_.hostname = std::move(*host);
    return true;
  }

  bool port(std::string_view text) {
    if (text.empty()) return true;
    auto port = canonical_port(text);
    if (!port) return false;
    if (*port != default_port(url_.protocol)) url_.port = std::move(*port);
    return true;
  }

  bool path_start(std::string_view rest) {
    const bool is_empty = rest.empty() || rest[0] == '?' || rest[0] == '#';
    if (is_empty && !is_special_) return query(rest);
    return path(is_slash(rest, 0) ? rest.substr(1) : rest);
  }

  bool path(std::string_view rest) {
    const std::size_t end = std::min(rest.find_first_of("?#"), rest.size());
    append_path(url_.pathname, rest.substr(0, end), is_special_);
    return query(rest.substr(end));
  }

  bool opaque_path(std::string_view rest) {
    const std::size_t end = std::min(rest.find_first_of("?#"), rest.size());
    url_.has_opaque_path = true;
    url_.pathname = percent_encode(rest.substr(0, end), EncodeSet::control);
    // A blank there would be lost if what follows were taken off.
    if (end < rest.size() && url_.pathname.ends_with(' ')) {
      url_.pathname.replace(url_.pathname.size() - 1, 1, "%20");
    }
    return query(rest.substr(end));
  }

  bool query(std::string_view rest) {
    if (!rest.starts_with('?')) return fragment(rest);
    const std::size_t end = std::min(rest.find('#'), rest.size());
    url_.search = percent_encode(rest.substr(1, end - 1),
                                 is_special_ ? EncodeSet::special_query : EncodeSet::query);
    return fragment(rest.substr(end));
  }

  bool fragment(std::string_view rest) {
    url_.hash.clear();
    if (!rest.empty()) url_.hash = percent_encode(rest.substr(1), EncodeSet::fragment);
    return true;
  }

  const Url* base_;
  Url url_;
  bool is_special_ = false;
};

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<Url> Url::parse(std::string_view text, const Url* base) {
  if (!is_utf8(text)) return std::nullopt;
  return Parser(base).run(without_line_breaks(trimmed(text)));
}

}  // namespace sluice::hub
