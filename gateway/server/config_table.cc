#include "gateway/server/config_table.h"

#include <chrono>

#include "gateway/server/config_rows.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

using C = Make<Config>;

void add(std::vector<Row<Config>>& rows, std::vector<Row<Config>> more) {
  for (auto& row : more) rows.push_back(std::move(row));
}

std::vector<Row<Config>> server_rows() {
  return {
      C::count("server.workers", {0, 1024},
               "Threads that serve connections, each with a loop of its own; 0: one per CPU.",
               SLUICE_AT(workers)),
      C::text("server.pid_file",
              "Where the number of the process is written that serves; after an upgrade (SIGUSR2) "
              "it is the new one's. Without it there is none.",
              SLUICE_AT(process.pid_file)),
      C::duration("server.upgrade_timeout", {1s, 1h},
                  "For the new process of an upgrade (SIGUSR2) to be ready; then it is killed, and "
                  "the old one goes on.",
                  SLUICE_AT(process.upgrade_timeout)),
      live(C::choice<log::Level>("log.level",
                                 {{"debug", log::Level::debug},
                                  {"info", log::Level::info},
                                  {"warning", log::Level::warning},
                                  {"error", log::Level::error},
                                  {"off", log::Level::off}},
                                 "The least important lines that are written to stderr.",
                                 SLUICE_AT(log_level))),
      C::text("admin.address",
              "Where /livez, /readyz, /metrics, /status and the dashboard are served, in clear "
              "text. Without it there is no admin listener.",
              SLUICE_AT(admin.address)),
      C::count("admin.viewers", {1, 1000},
               "Dashboards that are open at once; the next one is told so, and tries again.",
               SLUICE_AT(admin.viewers)),
  };
}

std::vector<Row<Config>> pace_rows() {
  return {
      C::duration("heartbeat.interval", {1s, 10min},
                  "A stream that was silent for so long gets a comment line.",
                  SLUICE_AT(heartbeat.interval)),
      C::duration("heartbeat.jitter", {0ms, 5min},
                  "Each interval of the hub's streams is shorter by up to this. (A route's streams "
                  "have intervals of their own, shorter by up to a tenth.)",
                  SLUICE_AT(heartbeat.jitter)),
      C::duration("retry.min", {0ms, 1h},
                  "The `retry:` that a stream begins with is drawn from here …",
                  SLUICE_AT(retry.min)),
      C::duration("retry.max", {0ms, 1h}, "… to here.", SLUICE_AT(retry.max)),
      C::duration("retry.parked_min", {0ms, 1h},
                  "The `retry:` of a stream that cannot be served now is drawn from here …",
                  SLUICE_AT(retry.parked_min)),
      C::duration("retry.parked_max", {0ms, 1h}, "… to here.", SLUICE_AT(retry.parked_max)),
      C::duration("drain.delay", {0ms, 10min},
                  "On SIGTERM /readyz answers 503 at once; newcomers are accepted for so long yet.",
                  SLUICE_AT(drain.delay)),
      C::duration(
          "drain.window", {0ms, 1h},
          "Then streams are ended one by one, evenly spread over this. Where none is open by then "
          "it is a second at most.",
          SLUICE_AT(drain.window)),
      C::duration("drain.hard_limit", {0ms, 2h},
                  "Counted from SIGTERM: connections that are open then are cut.",
                  SLUICE_AT(drain.hard_limit)),
      C::flag("demo.page", "Serve the demo page on `/`.", SLUICE_AT(demo.page)),
      C::flag("demo.feed", "Publish made-up events on topics below `demo/`.", SLUICE_AT(demo.feed)),
  };
}

/// `alg`: one name, or an array of names.
Row<KeyEntry> algorithm_row() {
  const auto set = [](KeyEntry& entry, const Value& value) -> Result<void> {
    std::vector<std::string> names;
    if (const auto* name = std::get_if<std::string>(&value)) names = {*name};
    if (const auto* many = std::get_if<std::vector<std::string>>(&value)) names = *many;
    entry.algorithms.clear();
    for (const std::string& name : names) {
      const auto algorithm = auth::parse_algorithm(name);
      if (!algorithm) return tl::unexpected(algorithm.error());
      entry.algorithms.push_back(*algorithm);
    }
    if (entry.algorithms.empty()) {
      return fail(Errc::invalid, "must be one of, or an array of, " + auth::algorithm_names());
    }
    return {};
  };
  return {"alg",
          "string or array of strings",
          auth::algorithm_names(),
          "The algorithm; a token that names another one is refused. An array only for sets of "
          "keys: which of them to take. Without it HS256 for a secret; for other keys by their "
          "curve, for RSA keys RS256.",
          set,
          [](const KeyEntry&) { return std::string(); }};
}

/// Whole sections.
std::vector<Row<Config>> live_sections(std::vector<Row<Config>> rows) {
  for (Row<Config>& row : rows) {
    row.is_live |= row.key.starts_with("retry.") || row.key.starts_with("drain.");
  }
  return rows;
}

std::vector<Row<Config>> all_rows() {
  std::vector<Row<Config>> rows = server_rows();
  add(rows, tls_rows());
  add(rows, access_rows());
  add(rows, token_rows());
  add(rows, hub_rows());
  add(rows, publish_rows());
  add(rows, history_rows());
  add(rows, redis_server_rows());
  add(rows, redis_limit_rows());
  add(rows, live_sections(pace_rows()));
  add(rows, relay_rows());
  add(rows, limit_rows());
  add(rows, abuse_rows());
  add(rows, timeout_rows());
  add(rows, access_log_rows());
  return rows;
}

}  // namespace

const std::vector<Section>& config_sections() {
  static const std::vector<Section> sections{
      {"server", "The process."},
      {"admin", "The listener for operators; not for the internet."},
      {"tls", "Certificates and tickets of all [[listen]] tables that have `tls = true`."},
      {"hub", "Who may publish and subscribe, and how much at once."},
      {"history", "What a client that comes back can still get."},
      {"heartbeat", "Signs of life on silent streams, so that nobody on the way ends them."},
      {"retry", "How long clients wait before they come back."},
      {"limits", "What is bounded. `HTTP/2:` marks what only that protocol has."},
      {"timeouts", "How long we wait for a client."},
      {"drain", "What happens between SIGTERM and the end of the process."},
      {"log", "The program's own log."},
      {"access_log", "A line about each request, and two about each event stream."},
      {"demo", "What the development default shows."},
  };
  return sections;
}

const std::vector<Row<Config>>& config_rows() {
  static const std::vector<Row<Config>> rows = all_rows();
  return rows;
}

const std::vector<Row<Listen>>& listen_rows() {
  using L = Make<Listen>;
  static const std::vector<Row<Listen>> rows{
      L::text("address",
              "\"127.0.0.1:8443\", \"[::1]:0\", \"localhost:8080\", \"*:443\"; port 0: any.",
              SLUICE_AT(address)),
      L::flag("tls", "False: clear text, for a load balancer that ends TLS.", SLUICE_AT(tls)),
      L::flag("http2", "Offer HTTP/2 beside HTTP/1.1.", SLUICE_AT(http2)),
      L::flag("proxy_protocol",
              "Each connection begins with a PROXY header, version 1 or 2, in which a balancer of "
              "server.trusted_proxies says who its client is. Whoever else comes, or comes without "
              "one, is refused.",
              SLUICE_AT(proxy_protocol)),
      live(L::choice<tls::ClientCertificates>(
          "client_certificates",
          {{"off", tls::ClientCertificates::off},
           {"optional", tls::ClientCertificates::optional},
           {"require", tls::ClientCertificates::require}},
          "Whether clients are asked for certificates that tls.client_ca makes good. Required, who "
          "has none is refused by an alert, of which browsers' EventSources die.",
          SLUICE_AT(client_certificates))),
  };
  return rows;
}

const std::vector<Row<hub::TopicRule>>& topic_rows() {
  using T = Make<hub::TopicRule>;
  using hub::Policy;
  static const std::vector<Row<hub::TopicRule>> rows{
      T::text("match", "The topics that it is for: a topic, a URI Template or \"*\".",
              SLUICE_AT(match)),
      T::choice<Policy>("policy",
                        {{"replay", Policy::replay},
                         {"latest", Policy::latest},
                         {"drop", Policy::drop},
                         {"close", Policy::close}},
                        "What a reader that cannot keep up gets: all, from history; the newest of "
                        "each topic or key; what is new enough, and a gap event that counts the "
                        "rest; or the end of its stream.",
                        SLUICE_AT(policy)),
      T::count("max_rate", {0, 100'000},
               "Events per second and subscription; what a newer event of the same topic or key "
               "stands for is left out. 0: as they come.",
               SLUICE_AT(max_rate)),
      T::count("max_events", from(0), "Events held of each topic by itself; 0: no bound.",
               SLUICE_AT(max_events)),
      T::size("max_bytes", from(0), "The same in bytes; 0B: no bound.", SLUICE_AT(max_bytes)),
      T::duration("max_age", {0ms, 24h * 366}, "How long each is held; 0s: no bound.",
                  SLUICE_AT(max_age)),
  };
  return rows;
}

const std::vector<Row<KeyEntry>>& key_rows() {
  using K = Make<KeyEntry>;
  static const std::vector<Row<KeyEntry>> rows{
      algorithm_row(),
      K::text("secret",
              "The shared secret itself; as many bytes as the digest or more: 32, 48, 64.",
              SLUICE_AT(secret)),
      K::text("secret_file", "A file with the secret; white space at its end does not count.",
              SLUICE_AT(secret_file)),
      K::text("key_file", "PEM file: a public key, a certificate, or a private key.",
              SLUICE_AT(key_file)),
      K::text("jwks_file", "A file with a JWK or a JWK set; shared secrets (`oct`) are taken too.",
              SLUICE_AT(jwks_file)),
      K::text("jwks_url",
              "Where a JWK set is fetched: https, or http on this machine. Shared secrets in it "
              "are not taken.",
              SLUICE_AT(jwks_url)),
      K::text("kid", "Only tokens with this `kid`, or with none, are tried.", SLUICE_AT(id)),
      K::text("issuer",
              "The `iss` that every token of this key must have. Tokens of Mercure 1.0 are taken "
              "only with keys that have one.",
              SLUICE_AT(issuer)),
      K::text("audience",
              "What `aud` of every token of this key must name: this hub. Without it any will do; "
              "where `hub.protocol` is \"1.0\", it is `hub.public_url`.",
              SLUICE_AT(audience)),
  };
  return rows;
}

}  // namespace sluice::server
