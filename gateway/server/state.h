/// State: the folder for what the development default makes for itself.
///
/// A certificate with its key, a secret that signs tokens, and a publisher's token that
/// `sluice publish` finds by itself. All of it is for this machine and this user only.
/// Thread  main, before start.
#pragma once

#include <string>

#include "gateway/auth/key.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace sluice::server {

/// Names of files in a state directory; says nothing about whether they exist.
struct StateFiles {
  std::string directory;
  std::string certificate;      ///< localhost.pem
  std::string key;              ///< localhost-key.pem
  std::string secret;           ///< token.secret
  std::string publisher_token;  ///< publisher.jwt
};

struct State {
  StateFiles files;
  auth::Key key;                ///< Signs and verifies the tokens of the development default.
  std::string publisher_token;  ///< Valid for some days yet; may publish and subscribe everything.
};

/// The environment variables that say where it is.
struct StateVariables {
  std::string state_directory;  ///< $STATE_DIRECTORY, as systemd sets it: folders, ':' between.
  std::string xdg_state_home;   ///< $XDG_STATE_HOME
  std::string home;             ///< $HOME
};
StateVariables state_variables();

/// $STATE_DIRECTORY (the first folder), else $XDG_STATE_HOME/sluice, else ~/.local/state/sluice.
/// Fails when none of the variables is set.
Result<std::string> state_directory(const StateVariables& variables = state_variables());
[[nodiscard]] StateFiles state_files(const std::string& directory);
/// Makes the directory (0700) and whatever in it is missing, broken or about to expire.
Result<State> open_state(const std::string& directory, WallTime now);

}  // namespace sluice::server
