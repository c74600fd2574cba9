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
  auth::Key key;
  if (auto secret = read_secret_file(file)) key.secret = std::move(*secret);
  if (auth::check_key(key)) return key;
  key.secret = base64url_encode(secret_bytes(32));
  return write_private_file(file, key.secret + "\n").map([&] { return std::move(key); });
}

Result<std::string> ensure_token(const std::string& file, const auth::Key& key, WallTime now) {
  if (auto token = read_secret_file(file)) {
    const auth::Verifier verifier({key});
    if (verifier.verify(*token, now + kRenewBefore)) return std::move(*token);
  }
  std::string token = auth::mint(key, {.publish = {{"*"}},
                                       .subscribe = {{"*"}},
                                       .expires = now + kTokenLife,
                                       .not_before = {},
                                       .subject = "development"});
  return write_private_file(file, token + "\n").map([&] { return std::move(token); });
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
  State state{.files = state_files(directory), .key = {}, .publisher_token = {}};
  if (auto made = make_directory(directory); !made) return tl::unexpected(made.error());
  if (auto made = ensure_certificate(state.files); !made) return tl::unexpected(made.error());
  auto key = ensure_secret(state.files.secret);
  if (!key) return tl::unexpected(key.error());
  auto token = ensure_token(state.files.publisher_token, *key, now);
  if (!token) return tl::unexpected(token.error());
  state.key = std::move(*key);
  state.publisher_token = std::move(*token);
  return state;
}

}  // namespace sluice::server
