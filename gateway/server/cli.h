/// The command line: what was asked for, as values. It runs nothing; commands.h does.
///
/// Thread  main.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "gateway/base/units.h"
#include "gateway/server/client.h"
#include "gateway/server/top.h"

namespace sluice::server {

struct ServeCommand {
  std::string file;  ///< Empty: the development default.
};
struct CheckCommand {
  std::string file;
};
struct TokenCommand {
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
  Millis ttl{3'600'000};
  std::string algorithm;  ///< Empty: what the key is for.
  std::string key_file;
  std::string key_id;
  std::string subject;
  std::string issuer;
  std::vector<std::string> audience;
  std::vector<std::string> claims;  ///< "tenant=a", "level:=3".
  std::string payload;              ///< JSON text; may be empty.
  bool details = false;             ///< A token of Mercure 1.0.
};
struct ReferenceCommand {
  std::string page;  ///< "config", "metrics", "script", "man" or "man-config".
};
struct VersionCommand {};
/// Nothing to run: the help was printed, or what is wrong with the arguments.
struct Exit {
  int status = 0;
};

using Command = std::variant<Exit, ServeCommand, CheckCommand, PublishCommand, SubscribeCommand,
                             TokenCommand, ReferenceCommand, VersionCommand, TopCommand>;

/// What there is to say about an option or an argument.
struct OptionHelp {
  std::string name;  ///< "--topic", or "URL" where it stands alone.
  std::string text;
  bool is_argument = false;  ///< No "--name" before it.
  bool is_required = false;
  bool has_value = false;  ///< Of options.
};
struct CommandHelp {
  std::string name;
  std::string text;
  std::string more;  ///< Paragraphs; lines that begin with a blank are to be shown as they are.
  std::vector<OptionHelp> options;
};

/// The program itself, whose name is "sluice", and then each of its commands.
std::vector<CommandHelp> command_help();

/// Prints the help to stdout, and faults to stderr (status 2).
Command parse_command_line(int argc, const char* const* argv);

}  // namespace sluice::server
