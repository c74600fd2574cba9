/// The only file that knows CLI11.

#include "gateway/server/cli.h"

#include <iostream>
#include <utility>

#include <CLI/CLI.hpp>

namespace sluice::server {
namespace {

constexpr const char* kAbout =
    "Sluice hands events from back ends to browsers: Server-Sent Events over HTTP/2.";
constexpr const char* kFooter =
    "\nA minute's tour, each line in a terminal of its own:\n"
    "  sluice serve\n"
    "  sluice subscribe https://localhost:8443 --topic news\n"
    "  sluice publish https://localhost:8443 --topic news --data hello\n";
constexpr const char* kPublishFooter =
    "\nURL is a hub's (https://localhost:8443), or ends in /.well-known/mercure, or in "
    "/events/TOPIC.\n"
    "The id of the event is printed. Data from stdin loses its final line end.\n"
    "With --stream all of stdin is one request, and each event is published as it comes, with its\n"
    "own id, event, data, topic, private, key, ttl and retry. What the gateway has acknowledged "
    "is\n"
    "printed as lines of JSON, the last of which counts everything.\n"
    "With --batch the events of a JSON array are published, all or none, and their ids printed.\n"
    "The token is --token, --token-file, $SLUICE_TOKEN or, for a gateway on this machine, the one\n"
    "that `sluice serve` has made.\n";
constexpr const char* kSubscribeFooter =
    "\nComes back as a browser does: after the stream's `retry`, with the last event's id. Ends "
    "when\n"
    "the answer is not an event stream (status 1), is 204 (status 0), or on Ctrl-C (status 0).\n"
    "The token is --token, --token-file or $SLUICE_TOKEN; public events need none where the hub\n"
    "lets everybody subscribe.\n";

constexpr const char* kTokenFooter =
    "\nThe hub reads --publish and --subscribe, a [[route]] with `token` what it names in its "
    "`claims`:\n"
    "  sluice token --key-file secret.txt --subject ada --claim scope='read write' --claim "
    "'groups:=[\"staff\"]'\n"
    "NAME=VALUE is a text, NAME:=VALUE is JSON. A route asks for texts and for members of lists.\n"
    "\nWith --details the grants are `authorization_details`: each --publish and --subscribe is "
    "an\n"
    "exact topic, *, or after `urlpattern:` a URL Pattern. The hub takes such tokens from keys "
    "that\n"
    "have an `issuer` only.\n";

constexpr const char* kTopFooter =
    "\nLAG is in events; of a stream that reads history, at most. QUEUED are the bytes that wait "
    "for\n"
    "the client. STATE is what holds it up: `socket`, and for how long it took nothing;\n"
    "`window_shut`, by its client; `lagging`, it reads history. POST /streams/ID/end ends one.\n";

constexpr const char* kReferenceFooter =
    "\n`config` and `metrics` are Markdown, `man` and `man-config` are for man(1). `script` is "
    "what\n"
    "Redis runs to append events, for applications that do so by themselves; its head says how:\n"
    "  sluice reference script > journal.lua\n"
    "  redis-cli --eval journal.lua sluice , append '' '' 4 topic news data hello\n";

constexpr std::size_t kMostEvents = 1'000'000'000;

/// One value per occurrence: `--topic a --topic b`.
void add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values,
              const std::string& help) {
  app.add_option(name, values, help)->allow_extra_args(false)->take_all();
}

void add_access(CLI::App& app, ClientAccess& access) {
  auto* token = app.add_option("--token", access.token, "The token itself");
  app.add_option("--token-file", access.token_file, "A file with the token")->excludes(token);
  auto* insecure = app.add_flag("--insecure", access.insecure, "Take any certificate");
  app.add_option("--ca", access.ca_file, "PEM file of who is trusted to issue certificates")
      ->excludes(insecure);
}

CommandHelp help_of(const CLI::App& app) {
  CommandHelp help{.name = app.get_name(),
                   .text = app.get_description(),
                   .more = app.get_footer(),
                   .options = {}};
  for (const CLI::Option* option : app.get_options()) {
    const bool is_argument = option->get_lnames().empty();
    help.options.push_back({.name = option->get_name(is_argument),
                            .text = option->get_description(),
                            .is_argument = is_argument,
                            .is_required = option->get_required(),
                            .has_value = option->get_items_expected_max() > 0});
  }
  return help;
}

/// The grammar, and where its values go.
class Grammar {
 public:
  Grammar() {
    app_.require_subcommand(0, 1);  // None is answered below: CLI11 would not name a wrong one.
    app_.footer(kFooter);
    app_.set_version_flag("--version", std::string("sluice ") + SLUICE_VERSION);
    add_serve();
    add_check();
    add_publish();
    add_subscribe();
    add_token();
    add_top();
    add_reference();
    on(app_.add_subcommand("version", "The version of the program and of its libraries"),
       [] { return VersionCommand{}; });
  }

  Command parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return Exit{app_.exit(error) == 0 ? 0 : 2};
    }
    if (app_.get_subcommands().empty()) {
      std::cerr << app_.help();
      return Exit{2};
    }
    return std::move(command_);
  }

  [[nodiscard]] std::vector<CommandHelp> help() const {
    std::vector<CommandHelp> all{help_of(app_)};
    for (const CLI::App* command : app_.get_subcommands({})) {
      all.push_back(help_of(*command));
      if (all.back().more == all.front().more) all.back().more.clear();  // Commands inherit it.
    }
    return all;
  }

 private:
  template <class Made>
  void on(CLI::App* app, Made made) {
    app->callback([this, made] { command_ = made(); });
  }
  void add_serve();
  void add_check();
  void add_publish();
  void add_subscribe();
  void add_token();
  void add_top();
  void add_reference();

  CLI::App app_{kAbout, "sluice"};
  Command command_;
  ServeCommand serve_;
  CheckCommand check_;
  PublishCommand publish_;
  SubscribeCommand subscribe_;
  TokenCommand token_;
  std::string ttl_ = "1h";
  TopCommand top_;
  ReferenceCommand reference_;
};

void Grammar::add_serve() {
  CLI::App* app = app_.add_subcommand("serve", "Run the gateway");
  app->add_option("--config", serve_.file,
                  "TOML file; without it: https://localhost:8443 and http://localhost:8080 with a "
                  "certificate and a token of its own");
  on(app, [this] { return serve_; });
}

void Grammar::add_check() {
  CLI::App* app =
      app_.add_subcommand("check", "Tell what is wrong with a configuration: FILE:LINE:COL: why");
  app->add_option("--config,FILE", check_.file, "TOML file: FILE, or --config FILE")->required();
  on(app, [this] { return check_; });
}

void Grammar::add_publish() {
  CLI::App* app = app_.add_subcommand("publish", "Publish an event");
  app->footer(kPublishFooter);
  app->add_option("URL", publish_.url, "Where to")->required();
  add_list(*app, "--topic", publish_.topics, "A topic of the event; may be repeated");
  auto* data = app->add_option("--data", publish_.data, "Its text; without it: stdin");
  auto* id = app->add_option("--id", publish_.id, "Its id; without it the gateway makes one");
  auto* type = app->add_option("--type", publish_.type, "Its type, `event:` on the wire");
  app->add_option("--retry", publish_.retry,
                  "Milliseconds after which its readers come back when they lose the connection");
  app->add_flag("--private", publish_.is_private, "Only for those with a token for the topic");
  app->add_option("--key", publish_.key,
                  "What it is the newest state of, for readers that want only the newest");
  app->add_option("--ttl", publish_.ttl, "How long it is replayed: seconds, or as \"5m\"");
  app->add_option("--idempotency-key", publish_.idempotency_key,
                  "A request with the same key is published once");
  auto* stream =
      app->add_flag("--stream", publish_.stream, "stdin is text/event-stream: publish each event");
  stream->excludes(data)->excludes(id);
  app->add_option("--batch", publish_.batch_file, "A file with a JSON array of events; -: stdin")
      ->excludes(data)
      ->excludes(stream)
      ->excludes(id)
      ->excludes(type);
  add_access(*app, publish_.access);
  on(app, [this] { return publish_; });
}

void Grammar::add_subscribe() {
  CLI::App* app = app_.add_subcommand("subscribe", "Print events as they come");
  app->footer(kSubscribeFooter);
  app->add_option("URL", subscribe_.url, "Where from")->required();
  add_list(*app, "--topic", subscribe_.topics, "A topic, or a pattern; may be repeated");
  app->add_option("--last-event-id", subscribe_.last_event_id,
                  "Begin after this event; `earliest`: with the oldest there is");
  app->add_flag("--json", subscribe_.json, "A line of JSON per event: id, type, data");
  app->add_option("--count", subscribe_.count, "End after so many events")
      ->check(CLI::Range(std::size_t{1}, kMostEvents));
  add_access(*app, subscribe_.access);
  on(app, [this] { return subscribe_; });
}

void Grammar::add_token() {
  CLI::App* app =
      app_.add_subcommand("token", "Make a token for the hub or for a [[route]] (a JWT)");
  app->footer(kTokenFooter);
  add_list(*app, "--publish", token_.publish, "What it may publish: a topic, a pattern or *");
  add_list(*app, "--subscribe", token_.subscribe, "What private events it may get");
  app->add_option("--ttl", ttl_, "How long it is good for, as \"30m\" or \"1h\"")
      ->capture_default_str();
  app->add_option("--key-file", token_.key_file, "A file with the shared secret, or a PEM key")
      ->required();
  app->add_option("--alg", token_.algorithm, "HS256, RS256, …; without it: what the key is for");
  app->add_option("--kid", token_.key_id, "The name of that key");
  app->add_option("--subject", token_.subject, "Who it is for: `sub`");
  auto* issuer = app->add_option("--issuer", token_.issuer, "Who has made it: `iss`");
  add_list(*app, "--audience", token_.audience, "Who is to take it: `aud`; may be repeated");
  add_list(*app, "--claim", token_.claims,
           "NAME=TEXT or NAME:=JSON: another claim, as a route may want it; may be repeated");
  app->add_option("--payload", token_.payload, "JSON that others are told about the subscriber");
  app->add_flag("--details", token_.details, "A token of Mercure 1.0")->needs(issuer);
  on(app, [this] {
    if (token_.publish.empty() && token_.subscribe.empty() && token_.claims.empty() &&
        token_.subject.empty()) {
      throw CLI::RequiredError("--publish, --subscribe, --claim or --subject");
    }
    const auto ttl = parse_duration(ttl_);
    if (!ttl) throw CLI::ValidationError("--ttl", ttl.error().what);
    if (*ttl < Millis(1'000)) throw CLI::ValidationError("--ttl", "a second is the least");
    token_.ttl = *ttl;
    return token_;
  });
}

void Grammar::add_top() {
  CLI::App* app = app_.add_subcommand("top", "Watch a gateway's streams, the slowest first");
  app->footer(kTopFooter);
  app->add_option("URL", top_.url, "Of its admin listener")->capture_default_str();
  app->add_flag("--once", top_.once, "Print one page, also to a terminal");
  app->add_option("--sort", top_.sort, "What the largest of comes first")
      ->check(CLI::IsMember({"lag", "queued", "age", "bytes"}))
      ->capture_default_str();
  app->add_option("--limit", top_.limit, "At most so many rows")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000}))
      ->capture_default_str();
  on(app, [this] { return top_; });
}

void Grammar::add_reference() {
  CLI::App* app = app_.add_subcommand(
      "reference", "Print a page of the reference, a manual page, or the script for Redis");
  app->footer(kReferenceFooter);
  app->add_option("PAGE", reference_.page, "config, metrics, script, man or man-config")
      ->required()
      ->check(CLI::IsMember({"config", "metrics", "script", "man", "man-config"}));
  on(app, [this] { return reference_; });
}

}  // namespace

std::vector<CommandHelp> command_help() {
  return Grammar().help();
}

Command parse_command_line(int argc, const char* const* argv) {
  return Grammar().parse(argc, argv);
}

}  // namespace sluice::server
