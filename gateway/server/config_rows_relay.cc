#include <algorithm>
#include <chrono>

#include "gateway/base/ascii.h"
#include "gateway/relay/field_names.h"
#include "gateway/server/config_rows_fields.h"
#include "gateway/server/config_table.h"

namespace sluice::server {

using namespace std::chrono_literals;
using relay::LateJoiner;
using relay::ReplayOptions;
using relay::ShareOptions;
using relay::UpstreamOptions;

bool is_token(std::string_view text) {
  const auto is_part = [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_part);
}

bool is_field_value(std::string_view text) {
  const auto is_bad = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  };
  const bool is_trimmed = text.empty() || (text.front() != ' ' && text.front() != '\t' &&
                                           text.back() != ' ' && text.back() != '\t');
  return is_trimmed && std::none_of(text.begin(), text.end(), is_bad);
}

Result<std::string> field_name(std::string_view text) {
  if (!is_token(text)) {
    return fail(Errc::invalid, fmt::format("\"{}\" is not the name of a header", text));
  }
  std::string name = to_lower(text);
  if (relay::is_ours_alone(name)) {
    return fail(Errc::invalid, fmt::format("\"{}\" is the gateway's own{}", text,
                                           name == "host" ? "; give the route a `host`" : ""));
  }
  return name;
}

std::vector<Row<Config>> relay_rows() {
  using C = Make<Config>;
  return {
      C::list("server.trusted_proxies",
              "Networks, as \"10.0.0.0/8\", of proxies before us: their `forwarded`, "
              "`x-forwarded-…` and `x-request-id` are believed. Of others they are replaced.",
              SLUICE_AT(relay.trusted_proxies)),
      {"hub.enabled", "boolean", "",
       "Whether there is a hub. Without it: where there is no [[route]], or where [hub] says "
       "anything. A route that names one of its paths, or a prefix at least as long, goes before.",
       [](Config& config, const Value& value) -> Result<void> {
         const auto* given = std::get_if<bool>(&value);
         if (given == nullptr) return fail(Errc::invalid, "must be true or false");
         config.hub_use = *given ? HubUse::on : HubUse::off;
         return {};
       },
       [](const Config&) { return std::string(); }},
      C::count("limits.sources", from(0),
               "Shared and replayed streams of upstreams; the next one is only relayed.",
               SLUICE_AT(relay.limits.sources)),
      C::size("limits.replay_bytes", from(64_KiB),
              "What they hold in all; the one that is longest without readers goes. Where all have "
              "readers, each holds a sixteenth of its own bounds.",
              SLUICE_AT(relay.limits.replay_bytes)),
  };
}

const std::vector<Row<UpstreamOptions>>& upstream_rows() {
  using U = Make<UpstreamOptions>;
  static const std::vector<Row<UpstreamOptions>> rows{
      U::text("name", "What routes call it; for metrics and logs, too.", SLUICE_AT(name)),
      U::one_or_more("urls", "http://127.0.0.1:9000",
                     "\"http://127.0.0.1:9000\", or several: scheme, host and port. A request goes "
                     "to the address with the fewest; one that failed rests.",
                     SLUICE_AT(urls)),
      wire_row<UpstreamOptions>(
          "auto: HTTP/1.1, or for https what the server chooses; h2 in clear text: by prior "
          "knowledge."),
      U::text("ca_file", "PEM file: whom to trust; without it whom the system trusts.",
              SLUICE_AT(ca_file)),
      U::flag("verify", "False: any certificate is taken.", SLUICE_AT(verify)),
      U::text("server_name", "What the certificate must be for; without it the URL's host.",
              SLUICE_AT(server_name)),
      U::text("certificate_file", "PEM file: who we are, where it asks; with key_file.",
              SLUICE_AT(certificate_file)),
      U::text("key_file", "PEM file: the private key of that certificate.", SLUICE_AT(key_file)),
      U::duration("connect_timeout", {10ms, 5min}, "For resolving, connecting and TLS together.",
                  SLUICE_AT(connect_timeout)),
      U::count("max_connections", {1, 1'000'000},
               "Of one worker, to all its addresses. Who finds none free is given that of the "
               "stream which is longest without readers (share, replay), or waits for "
               "connect_timeout.",
               SLUICE_AT(max_connections)),
      U::count("max_waiting", from(0),
               "Requests of one worker that wait for a connection; the next one is answered 503.",
               SLUICE_AT(max_waiting)),
      U::count("max_idle", from(0), "HTTP/1.1 connections kept for later, of each address.",
               SLUICE_AT(max_idle)),
      U::duration("idle_timeout", {0ms, 1h}, "How long; less than the server keeps them.",
                  SLUICE_AT(idle_timeout)),
      U::duration("backoff", {10ms, 1h},
                  "An address that failed rests so long, then twice that, while others are well …",
                  SLUICE_AT(backoff)),
      U::duration("backoff_max", {10ms, 24h}, "… up to this.", SLUICE_AT(backoff_max)),
      U::duration("resolve_interval", {1s, 24h}, "How long the addresses of a name are believed.",
                  SLUICE_AT(resolve_interval)),
      U::size("window", {1_KiB, 16_MiB}, "Bytes of an answer that are read ahead of its client.",
              SLUICE_AT(window)),
  };
  return rows;
}

const std::vector<Row<ShareOptions>>& share_rows() {
  using S = Make<ShareOptions>;
  static const std::vector<Row<ShareOptions>> rows{
      field_names<ShareOptions>("headers", "Requests that differ in one of these share nothing.",
                                SLUICE_AT(headers)),
      S::flag(
          "across_credentials",
          "One stream for all, whatever tokens and cookies they send: only for what anybody may "
          "see.",
          SLUICE_AT(across_credentials)),
      S::choice<LateJoiner>("late",
                            {{"none", LateJoiner::none},
                             {"events", LateJoiner::events},
                             {"types", LateJoiner::types}},
                            "What somebody gets first who joins in the midst: nothing, the last "
                            "`late_events`, or the last of each type.",
                            SLUICE_AT(late)),
      S::count("late_events", {1, 1'000'000}, "With late = \"events\".", SLUICE_AT(late_events)),
      S::duration("linger", {0ms, 24h},
                  "How long the stream goes on without readers; with `replay`, at least as long as "
                  "its linger.",
                  SLUICE_AT(linger)),
  };
  return rows;
}

const std::vector<Row<ReplayOptions>>& replay_rows() {
  using P = Make<ReplayOptions>;
  static const std::vector<Row<ReplayOptions>> rows{
      P::count("events", {1, 10'000'000}, "Held of each stream.", SLUICE_AT(events)),
      P::size("bytes", {1_KiB, 1024_MiB}, "The same in bytes.", SLUICE_AT(bytes)),
      P::duration("linger", {0ms, 24h}, "How long a stream waits for its reader to come back.",
                  SLUICE_AT(linger)),
      P::flag("post",
              "Answers to POST, too: they carry a `sluice-stream-id`, with which GET goes on and "
              "DELETE ends them.",
              SLUICE_AT(post)),
  };
  return rows;
}

}  // namespace sluice::server
