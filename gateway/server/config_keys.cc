#include "gateway/server/config_keys.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/jwk.h"
#include "gateway/base/file.h"
#include "gateway/server/files.h"

namespace sluice::server {
namespace {

constexpr std::string_view kSources =
    "\"secret\", \"secret_file\", \"key_file\", \"jwks_file\" or \"jwks_url\"";

bool is_for_secrets(auth::Algorithm algorithm) {
  return auth::row_of(algorithm).type == auth::KeyType::secret;
}

/// The one member that says where the key is.
Result<std::string_view> source_of(const KeyEntry& entry) {
  const std::array<std::pair<std::string_view, const std::string*>, 5> all{
      {{"secret", &entry.secret},
       {"secret_file", &entry.secret_file},
       {"key_file", &entry.key_file},
       {"jwks_file", &entry.jwks_file},
       {"jwks_url", &entry.jwks_url}}};
  std::string_view found;
  for (const auto& [name, value] : all) {
    if (value->empty()) continue;
    if (!found.empty()) {
      return fail(Errc::invalid,
                  fmt::format("a key has one of \"{}\" and \"{}\", not both", found, name));
    }
    found = name;
  }
  if (found.empty()) return fail(Errc::invalid, fmt::format("a key needs {}", kSources));
  return found;
}

/// What `source` leaves to be said, and what it does not.
Result<void> check_entry(const KeyEntry& entry, std::string_view source) {
  const bool is_set = source.starts_with("jwks_");
  const bool is_secret = source.starts_with("secret");
  if (is_set && !entry.id.empty()) {
    return fail(Errc::invalid,
                fmt::format("\"kid\" beside \"{}\": the keys of a set have their own", source));
  }
  if (!is_set && entry.algorithms.size() > 1) {
    return fail(Errc::invalid, fmt::format("\"alg\": one key has one algorithm; several only with "
                                           "\"jwks_file\" and \"jwks_url\""));
  }
  for (const auth::Algorithm algorithm : entry.algorithms) {
    const std::string_view name = auth::algorithm_name(algorithm);
    if (is_secret && !is_for_secrets(algorithm)) {
      return fail(Errc::invalid,
                  fmt::format("{} needs a \"key_file\" or a JWK set, not a shared secret", name));
    }
    if (!is_secret && source != "jwks_file" && is_for_secrets(algorithm)) {
      return fail(Errc::invalid,
                  fmt::format("{} needs a shared secret: \"secret\" or \"secret_file\"", name));
    }
  }
  return {};
}

Result<std::vector<auth::Key>> one(Result<auth::Key> key, const std::string& id) {
  return std::move(key).map([&](auth::Key&& good) {
    good.id = id;
    return std::vector<auth::Key>{std::move(good)};
  });
}

Result<std::vector<auth::Key>> from_set(const KeyEntry& entry, const std::string& text) {
  auto set = auth::parse_jwks(text, {.allow_secrets = true, .algorithms = entry.algorithms});
  if (!set) return tl::unexpected(set.error());
  if (set->keys.empty()) {
    return fail(Errc::invalid, fmt::format("none of its {} keys can be used", set->skipped));
  }
  return std::move(set->keys);
}

/// `source` is not a URL.
Result<std::vector<auth::Key>> read_keys(const KeyEntry& entry, std::string_view source,
                                         const std::filesystem::path& folder) {
  const auto path = [&](const std::string& name) {
    return (folder / name).lexically_normal().string();
  };
  const auto at = [](const std::string& file) {
    return [&file](const Error& error) {
      return Error{error.code, fmt::format("{}: {}", file, error.what)};
    };
  };
  std::optional<auth::Algorithm> algorithm;
  if (!entry.algorithms.empty()) algorithm = entry.algorithms.front();
  if (source == "key_file") {
    return read_file(path(entry.key_file)).and_then([&](const std::string& pem) {
      return one(auth::Key::of_pem(algorithm, pem), entry.id).map_error(at(entry.key_file));
    });
  }
  if (source == "jwks_file") {
    return read_file(path(entry.jwks_file)).and_then([&](const std::string& text) {
      return from_set(entry, text).map_error(at(entry.jwks_file));
    });
  }
  auto secret = source == "secret" ? entry.secret : read_secret_file(path(entry.secret_file));
  return std::move(secret).and_then([&](const std::string& text) {
    return one(auth::Key::of_secret(algorithm.value_or(auth::Algorithm::hs256), text), entry.id);
  });
}

}  // namespace

Result<LoadedKeys> load_keys(const KeyEntry& entry, const std::filesystem::path& folder) {
  const auto source = source_of(entry);
  if (!source) return tl::unexpected(source.error());
  if (auto good = check_entry(entry, *source); !good) return tl::unexpected(good.error());
  LoadedKeys loaded;
  if (*source == "jwks_url") {
    if (auto good = check_jwks_url(entry.jwks_url); !good) {
      return fail(Errc::invalid, "jwks_url: " + good.error().what);
    }
    loaded.jwks = JwksSource{.url = entry.jwks_url,
                             .issuer = entry.issuer,
                             .audience = entry.audience,
                             .algorithms = entry.algorithms};
    return loaded;
  }
  auto keys = read_keys(entry, *source, folder);
  if (!keys) return tl::unexpected(keys.error());
  for (auth::Key& key : *keys) {
    key.issuer = entry.issuer;
    key.audience = entry.audience;
  }
  loaded.keys = std::move(*keys);
  return loaded;
}

}  // namespace sluice::server
