#include "gateway/server/state.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/token.h"
#include "gateway/base/base64.h"
#include "gateway/base/random.h"
#include "gateway/server/files.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

constexpr std::chrono::hours kDay(24);
constexpr auto kTokenLife = 90 * kDay;
constexpr auto kRenewBefore = 14 * kDay;  ///< A gateway that starts now may run for so long.

Result<void> make_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (!error && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    error.assign(errno, std::generic_category());
  }
  if (!error && std::filesystem::is_directory(directory)) return {};
  if (!error) error = std::make_error_code(std::errc::not_a_directory);
  return fail(Errc::io, fmt::format("cannot make the state directory {}: {}; set STATE_DIRECTORY "
                                    "to a folder that can be written",
                                    directory, error.message()));
}

Result<void> ensure_certificate(const StateFiles& files) {
  std::error_code ignored;
  if (std::filesystem::exists(files.key, ignored) &&
      !tls::expires_within(files.certificate, kRenewBefore)) {
    return {};
  }
  return tls::make_self_signed(files.certificate, files.key);
}

Result<auth::Key> ensure_secret(const std::string& file) {
  const auto key_of = [](const std::string& secret) {
    return auth::Key::of_secret(auth::Algorithm::hs256, secret);
  };
  if (auto key = read_secret_file(file).and_then(key_of)) return key;
  const std::string secret = base64url_encode(secret_bytes(32));
  return write_private_file(file, secret + "\n").and_then([&] { return key_of(secret); });
}

Result<std::string> ensure_token(const std::string& file, const auth::Key& key, WallTime now) {
  if (auto token = read_secret_file(file)) {
    const auth::Verifier verifier({key});
    if (verifier.verify(*token, now + kRenewBefore)) return std::move(*token);
  }
  auth::Claims claims;
  claims.publish = std::vector<std::string>{"*"};
  claims.subscribe = std::vector<std::string>{"*"};
  claims.expires = now + kTokenLife;
  claims.subject = "development";
  auto token = auth::mint(key, claims);
  if (!token) return token;
  return write_private_file(file, *token + "\n").map([&] { return std::move(*token); });
}

}  // namespace

StateVariables state_variables() {
  return {.state_directory = environment("STATE_DIRECTORY"),
          .xdg_state_home = environment("XDG_STATE_HOME"),
          .home = environment("HOME")};
}

Result<std::string> state_directory(const StateVariables& variables) {
  const std::string& given = variables.state_directory;
  if (!given.empty()) return given.substr(0, given.find(':'));
  if (!variables.xdg_state_home.empty()) return variables.xdg_state_home + "/sluice";
  if (!variables.home.empty()) return variables.home + "/.local/state/sluice";
  return fail(Errc::not_found, "there is no place for state: set STATE_DIRECTORY or HOME");
}

StateFiles state_files(const std::string& directory) {
  return {.directory = directory,
          .certificate = directory + "/localhost.pem",
          .key = directory + "/localhost-key.pem",
          .secret = directory + "/token.secret",
          .publisher_token = directory + "/publisher.jwt"};
}

Result<State> open_state(const std::string& directory, WallTime now) {
  StateFiles files = state_files(directory);
  if (auto made = make_directory(directory); !made) return tl::unexpected(made.error());
  if (auto made = ensure_certificate(files); !made) return tl::unexpected(made.error());
  auto key = ensure_secret(files.secret);
  if (!key) return tl::unexpected(key.error());
  auto token = ensure_token(files.publisher_token, *key, now);
  if (!token) return tl::unexpected(token.error());
  return State{
      .files = std::move(files), .key = std::move(*key), .publisher_token = std::move(*token)};
}

}  // namespace sluice::server
