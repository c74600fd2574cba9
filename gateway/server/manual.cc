#include "gateway/server/manual.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "gateway/server/cli.h"
#include "gateway/server/reference.h"
#include "gateway/server/roff.h"

namespace sluice::server {
namespace {

/// A name and what it means.
struct Entry {
  std::string_view what;
  std::string_view meaning;
};

constexpr auto kSignals = std::to_array<Entry>({
    {"SIGTERM, SIGINT",
     "`serve` drains: /readyz on the admin listener answers 503, after `drain.delay` the streams "
     "are ended one by one within `drain.window`, each with a time after which its client comes "
     "back, and the program ends with status 0. What is open after `drain.hard_limit` is cut. A "
     "second signal ends it at once."},
    {"SIGHUP",
     "`serve` reads its configuration anew, and all files that it names. A fault leaves everything "
     "as it was; what needs a restart is named in the log. Streams do not notice."},
    {"SIGUSR1", "`serve` opens `access_log.file` again: send it after the log was moved away."},
    {"SIGUSR2",
     "`serve` upgrades: the program is started once more, with the same arguments, and takes over "
     "listening sockets and history; then this process ends its streams and itself. If the new one "
     "does not get ready within `server.upgrade_timeout`, this one goes on."},
});

constexpr auto kStatuses = std::to_array<Entry>({
    {"0", "All is well: drained, published, good, or ended by Ctrl-C."},
    {"1", "Something failed that is no fault of the arguments: stderr says what, and why."},
    {"2",
     "The command line makes no sense, or a configuration cannot work; check and serve print "
     "FILE:LINE:COL and what is wrong there."},
});

constexpr auto kEnvironment = std::to_array<Entry>({
    {"STATE_DIRECTORY",
     "Where `serve` without a file keeps what it makes for itself; systemd sets "
     "it. Without it: $XDG_STATE_HOME/sluice, else ~/.local/state/sluice."},
    {"SLUICE_TOKEN", "The token of `publish` and `subscribe`, unless an option gives one."},
    {"NOTIFY_SOCKET",
     "Where `serve` says that it is ready, who serves now, and that it stops "
     "(sd_notify(3)); with WATCHDOG_USEC also that all its threads turn."},
    {"LISTEN_FDS", "Listening sockets that the service manager passes (sd_listen_fds(3))."},
});

constexpr auto kFiles = std::to_array<Entry>({
    {"/etc/sluice/sluice.toml",
     "The configuration of the service, where Sluice was installed as a "
     "package: sluice.toml(5)."},
    {"/var/lib/sluice", "Its state: the history of events, where that is kept in a file."},
});

template <class Entries>
void append_items(Roff& page, std::string_view title, const Entries& entries) {
  page.section(title);
  for (const Entry& entry : entries) page.item(entry.what, "", entry.meaning);
}

std::string value_of(const OptionHelp& option) {
  return option.has_value && !option.is_argument ? "VALUE" : "";
}

/// "publish URL [OPTION]..."
std::string usage_of(const CommandHelp& command) {
  std::string usage = command.name;
  bool has_options = false;
  for (const OptionHelp& option : command.options) {
    if (option.name == "--help") continue;
    if (option.is_argument) {
      usage += " " + option.name;
    } else if (option.is_required) {
      usage += fmt::format(" {} {}", option.name, value_of(option));
    } else {
      has_options = true;
    }
  }
  return has_options ? usage + " [OPTION]..." : usage;
}

void append_command(Roff& page, const CommandHelp& command) {
  page.subsection(usage_of(command)).paragraph(command.text + ".");
  for (const OptionHelp& option : command.options) {
    if (option.name != "--help") page.item(option.name, value_of(option), option.text + ".");
  }
  page.prose(command.more);
}

std::string default_and_range(const ReferenceEntry& entry) {
  std::string text = entry.type;
  if (!entry.value.empty()) text += fmt::format(", default {}", entry.value);
  if (!entry.range.empty()) text += fmt::format(" ({})", entry.range);
  return text;
}

constexpr std::string_view kFileForm =
    R"(The file is TOML. Tables in two brackets may stand there several times.

A duration is a number with a unit in quotes: "250ms", "15s", "2m", "1h", "7d".
A size is one too: "512B", "64KiB", "256MiB", "2GiB".
Paths are relative to the folder of the file. A key that is not on this page is a fault.

`sluice check --config FILE` tells what is wrong with a file, and where.
)";

constexpr std::string_view kExample = R"(  [[listen]]
  address = "*:8443"

  [admin]
  address = "127.0.0.1:9090"

  [tls]
  certificate = "cert.pem"
  key = "key.pem"

  [hub]
  anonymous = true
  publisher_keys = [{ alg = "HS256", secret_file = "secret.txt" }]
)";

}  // namespace

std::string program_manual() {
  const std::vector<CommandHelp> commands = command_help();
  const CommandHelp& program = commands.front();
  Roff page("sluice", 1, "gateway for Server-Sent Events over HTTP/2");
  page.section("SYNOPSIS").paragraph("`sluice` COMMAND [OPTION]...");
  page.section("DESCRIPTION").prose(program.text).prose(program.more);
  page.section("COMMANDS");
  for (const CommandHelp& command : commands) {
    if (command.name != program.name) append_command(page, command);
  }
  page.section("OPTIONS");
  for (const OptionHelp& option : program.options) page.item(option.name, "", option.text + ".");
  append_items(page, "SIGNALS", kSignals);
  append_items(page, "\"EXIT STATUS\"", kStatuses);
  append_items(page, "ENVIRONMENT", kEnvironment);
  append_items(page, "FILES", kFiles);
  page.section("\"SEE ALSO\"").paragraph("`sluice.toml`(5), `systemd.service`(5)");
  return page.page();
}

std::string config_manual() {
  Roff page("sluice.toml", 5, "configuration of sluice");
  page.section("DESCRIPTION").prose(kFileForm);
  page.section("EXAMPLE").prose(kExample);
  page.section("TABLES");
  for (const ReferenceTable& table : config_tables()) {
    page.subsection(table.title).paragraph(table.help);
    for (const ReferenceEntry& entry : table.entries) {
      page.item(entry.key, default_and_range(entry), entry.help);
    }
  }
  page.section("\"SEE ALSO\"").paragraph("`sluice`(1)");
  return page.page();
}

}  // namespace sluice::server
