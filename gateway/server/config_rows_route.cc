#include <algorithm>
#include <chrono>
#include <iterator>

#include "gateway/base/ascii.h"
#include "gateway/server/config_rows_fields.h"
#include "gateway/server/config_table.h"
#include "gateway/server/spelling.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
using relay::ErrorForm;
using relay::HeartbeatForm;
using relay::OnDisconnect;
using relay::OnEnd;
using relay::SlowReader;
using relay::Unavailable;

using R = Make<Route>;
using Rows = std::vector<Row<Route>>;

constexpr Millis kLongest{24h};

/// `{ x-tenant = "a" }`
template <class At>
Row<Route> fields(std::string_view key, std::string_view help, At at) {
  return {key,
          "table of strings",
          "",
          help,
          [=](Route& route, const Value& value) -> Result<void> {
            const auto* given = std::get_if<TextTable>(&value);
            if (given == nullptr) {
              return fail(Errc::invalid, "must be a table of strings, as in { x-tenant = \"a\" }");
            }
            for (const auto& [name, text] : *given) {
              auto lower = field_name(name);
              if (!lower) return tl::unexpected(lower.error());
              if (!is_field_value(text)) {
                return fail(Errc::invalid, fmt::format("\"{}\": not the value of a header", name));
              }
              at(route).add(std::move(*lower), text);
            }
            return {};
          },
          [](const Route&) { return std::string(); }};
}

/// What somebody meant who wrote a method that there is not. Any word may be one (RFC 9110 §9.1): a
/// registered one is not doubted, and another one only where it is nearly one that everybody knows.
std::string_view meant_method(std::string_view method) {
  static constexpr std::string_view kKnown[] = {
      "GET",    "HEAD",   "POST",   "PUT",      "DELETE",    "CONNECT", "OPTIONS", "TRACE",
      "PATCH",  "QUERY",  "ACL",    "BIND",     "COPY",      "LABEL",   "LINK",    "LOCK",
      "MERGE",  "MKCOL",  "MOVE",   "PROPFIND", "PROPPATCH", "PURGE",   "REBIND",  "REPORT",
      "SEARCH", "UNBIND", "UNLINK", "UNLOCK",   "UPDATE"};
  if (std::find(std::begin(kKnown), std::end(kKnown), method) != std::end(kKnown)) return {};
  return nearest(method, {std::begin(kKnown), std::begin(kKnown) + 10});
}

Row<Route> method_row() {
  Row<Route> row = R::list("methods", "Only these; without it all.", SLUICE_AT(relay.methods));
  row.set = [list = row.set](Route& route, const Value& value) -> Result<void> {
    if (auto done = list(route, value); !done) return done;
    for (const std::string& method : route.relay.methods) {
      if (!is_token(method) || std::any_of(method.begin(), method.end(), is_lower)) {
        return fail(Errc::invalid, fmt::format("\"{}\" is not a method, as in \"GET\"", method));
      }
      if (method == "CONNECT" || method == "TRACE") {
        return fail(Errc::invalid, fmt::format("\"{}\" is never relayed", method));
      }
      if (const std::string_view meant = meant_method(method); !meant.empty()) {
        return fail(Errc::invalid,
                    fmt::format("there is no method \"{}\"; did you mean \"{}\"?", method, meant));
      }
    }
    return {};
  };
  return row;
}

Row<Route> heartbeat_row() {
  constexpr std::string_view kForms = "\"line\", \"block\", \"event:NAME\", \"off\"";
  constexpr std::string_view kEvent = "event:";
  const auto set = [=](Route& route, const Value& value) -> Result<void> {
    const auto* given = std::get_if<std::string>(&value);
    const std::string_view text = given == nullptr ? std::string_view() : *given;
    relay::RouteOptions& options = route.relay;
    options.heartbeat_event.clear();
    if (text == "line") {
      options.heartbeat = HeartbeatForm::line;
    } else if (text == "block") {
      options.heartbeat = HeartbeatForm::block;
    } else if (text == "off") {
      options.heartbeat = HeartbeatForm::off;
    } else if (text.starts_with(kEvent) && is_token(text.substr(kEvent.size()))) {
      options.heartbeat = HeartbeatForm::event;
      options.heartbeat_event = text.substr(kEvent.size());
    } else {
      const bool is_time = given == nullptr || (!text.empty() && is_digit(text.front()));
      return fail(Errc::invalid, fmt::format("must be one of {}{}", kForms,
                                             is_time ? "; how often is `heartbeat_interval`" : ""));
    }
    return {};
  };
  return {
      "heartbeat",
      "string",
      std::string(kForms),
      "What a silent stream gets: a comment line, which no client takes for an event; a comment "
      "with a blank line, for clients that split there; an event NAME with `data: "
      "{\"type\":\"NAME\"}`; nothing.",
      set,
      [](const Route&) { return std::string("line"); }};
}

Row<Route> claims_row() {
  return {"claims",
          "table of strings",
          "",
          "What a token must say: { scope = \"read\", tenant = \"a\" }. A text must be equal, an "
          "array must hold it, `scope` must have the word.",
          [](Route& route, const Value& value) -> Result<void> {
            const auto* given = std::get_if<TextTable>(&value);
            if (given == nullptr) {
              return fail(Errc::invalid, "must be a table of strings, as in { scope = \"read\" }");
            }
            for (const auto& [name, text] : *given) route.access.claims.push_back({name, text});
            return {};
          },
          [](const Route&) { return std::string(); }};
}

Rows match_rows() {
  return {
      R::text("name", "For metrics and logs; without it its path.", SLUICE_AT(relay.name)),
      R::list("hosts",
              "Only these, as \"app.example\" or \"*.app.example\", whatever the port; without it "
              "all.",
              SLUICE_AT(relay.hosts)),
      R::text("path", "\"/app/*\": all that begins so; else exactly this path.",
              SLUICE_AT(relay.path)),
      method_row(),
      fields("match_headers", "Only requests with these headers; \"*\": whatever the value.",
             SLUICE_AT(relay.match_headers)),
  };
}

Rows target_rows() {
  return {
      R::one_or_more("upstream", "http://127.0.0.1:9000",
                     "Where to: \"http://127.0.0.1:9000\", several such URLs of which each request "
                     "takes one, or the name of an [[upstream]].",
                     SLUICE_AT(upstream)),
      wire_row<Route>("With URLs: what is spoken to them, as in [[upstream]]."),
      R::text("strip_prefix", "Taken off the front of the path, as \"/app\".",
              SLUICE_AT(relay.strip_prefix)),
      R::text(
          "rewrite",
          "The path for the upstream, as \"/v2/*\": \"*\" stands for what the route's own took.",
          SLUICE_AT(relay.rewrite)),
      R::text("host", "The `host` for the upstream; without it what the client asked for.",
              SLUICE_AT(relay.host)),
      fields("set_request_headers", "Set on requests, in place of what the client sent.",
             SLUICE_AT(relay.set_request_headers)),
      field_names<Route>("remove_request_headers", "Taken out of requests.",
                         SLUICE_AT(relay.remove_request_headers)),
      fields("set_response_headers", "Set on answers, in place of what the upstream sent.",
             SLUICE_AT(relay.set_response_headers)),
      field_names<Route>("remove_response_headers", "Taken out of answers.",
                         SLUICE_AT(relay.remove_response_headers)),
      R::size("max_request_bytes", from(0), "The body of a request; beyond it 413. 0B: no bound.",
              SLUICE_AT(relay.max_request_bytes)),
  };
}

/// How a route's streams are kept alive and ended.
Rows stream_rows() {
  return {
      heartbeat_row(),
      {"heartbeat_interval", "duration", "100ms to 10m",
       "Of silence; without it [heartbeat].interval.",
       [](Route& route, const Value& value) -> Result<void> {
         Route read;
         static const auto row = R::duration("heartbeat_interval", {100ms, 10min}, "",
                                             SLUICE_AT(relay.heartbeat_interval));
         return row.set(read, value).map([&] {
           route.heartbeat_interval = read.relay.heartbeat_interval;
         });
       },
       [](const Route&) { return std::string(); }},
      R::duration("min_retry", {0ms, 1h}, "A `retry` of the application below this becomes this …",
                  SLUICE_AT(relay.min_retry)),
      R::duration("max_retry", {0ms, kLongest}, "… and one above this becomes this.",
                  SLUICE_AT(relay.max_retry)),
      R::duration("first_byte_timeout", {0ms, kLongest},
                  "For the head of the upstream's answer; beyond it 504. 0s: no bound.",
                  SLUICE_AT(relay.first_byte_timeout)),
      R::duration("silence_timeout", {0ms, kLongest},
                  "For the next byte of an answer. 0s: no bound.",
                  SLUICE_AT(relay.silence_timeout)),
      R::duration(
          "early_after", {0ms, 1h},
          "An upstream that has not answered for so long is answered for: 200, an event "
          "stream, heartbeats. It holds for requests that accept text/event-stream or whose "
          "JSON body says \"stream\": true. 0s: never.",
          SLUICE_AT(relay.early_after)),
      R::choice<ErrorForm>(
          "errors",
          {{"reset", ErrorForm::reset},
           {"event", ErrorForm::event},
           {"openai", ErrorForm::openai},
           {"anthropic", ErrorForm::anthropic}},
          "What a stream says whose upstream fails: it breaks off; an `error` event "
          "and a proper end; the same in the form of these APIs. What the gateway refuses of a "
          "request has that form as its body.",
          SLUICE_AT(relay.errors)),
      R::choice<Unavailable>(
          "unavailable", {{"park", Unavailable::park}, {"status", Unavailable::status}},
          "What an EventSource gets whose upstream cannot be reached: a `retry` "
          "and the end, so that it comes back; or 502, 503, 504 as everybody else, "
          "after which browsers do not.",
          SLUICE_AT(relay.unavailable)),
      R::choice<OnEnd>("on_end", {{"end", OnEnd::end}, {"reconnect", OnEnd::reconnect}},
                       "When the upstream ends a shared or replayed stream: it ends; or the "
                       "upstream is asked again, unseen where its events have ids of its own, "
                       "else with a gap event.",
                       SLUICE_AT(relay.on_end)),
      {"on_disconnect", "string", "\"cancel\", \"linger\"",
       "When a client has gone, and nobody else reads its stream: the upstream learns of it at "
       "once, "
       "or only after replay.linger, and until then the client may come back. Without it linger "
       "where there is a replay.",
       [](Route& route, const Value& value) -> Result<void> {
         static const auto row = R::choice<OnDisconnect>(
             "on_disconnect", {{"cancel", OnDisconnect::cancel}, {"linger", OnDisconnect::linger}},
             "", SLUICE_AT(relay.on_disconnect));
         Route read;
         return row.set(read, value).map([&] { route.on_disconnect = read.relay.on_disconnect; });
       },
       [](const Route&) { return std::string(); }},
  };
}

Rows kept_rows() {
  return {
      R::tables(
          "share", "boolean or table",
          "True, or a table of options: one upstream stream for all who send GET for the same "
          "URL with the same credentials."),
      R::tables("replay", "boolean or table",
                "True, or a table of options: events are held for clients that come back."),
      R::choice<SlowReader>(
          "slow",
          {{"replay", SlowReader::replay},
           {"latest", SlowReader::latest},
           {"drop", SlowReader::drop},
           {"close", SlowReader::close}},
          "What a reader of a shared stream gets that cannot keep up: all that is held; the newest "
          "of each type; what is new; the end. One that reads alone holds the application back.",
          SLUICE_AT(relay.slow)),
      {"max_event_bytes", "size", "1KiB to 64MiB",
       "One event of a shared or replayed stream; without it 1MiB, or replay.bytes where that is "
       "less.",
       [](Route& route, const Value& value) -> Result<void> {
         Route read;
         static const auto row =
             R::size("max_event_bytes", {1_KiB, 64_MiB}, "", SLUICE_AT(relay.max_event_bytes));
         return row.set(read, value).map([&] {
           route.max_event_bytes = read.relay.max_event_bytes;
         });
       },
       [](const Route&) { return std::string(); }},
  };
}

Rows route_access_rows() {
  return {
      R::choice<TokenUse>("token",
                          {{"off", TokenUse::off},
                           {"optional", TokenUse::optional},
                           {"required", TokenUse::required}},
                          "Off: tokens are the application's. Optional: one that is sent must be "
                          "good. It comes as the hub's do: `authorization`, query or cookie.",
                          SLUICE_AT(access.token)),
      live(R::tables("keys", "array of keys",
                     "What verifies them; without it hub.subscriber_keys.")),
      claims_row(),
      R::flag("pass_token", "False: the application does not get the token.",
              SLUICE_AT(access.pass_token)),
      R::flag("forward_certificate",
              "The application, and who is asked by `auth_url`, gets the client's certificate in "
              "`x-forwarded-client-cert`, which no client can set itself.",
              SLUICE_AT(access.forward_certificate)),
      R::text("auth_url",
              "Asked by a GET before a request goes on: 2xx lets it pass; 401, 403 and 3xx go to "
              "the client; all else is a refusal, too. TLS options are those of an [[upstream]] "
              "with the same scheme, host and port.",
              SLUICE_AT(access.call.url)),
      field_names<Route>("auth_headers",
                         "Headers of the request that it gets, beside x-forwarded-for, -host, "
                         "-method and -uri. What it decides by must be among them.",
                         SLUICE_AT(access.call.headers)),
      field_names<Route>(
          "auth_copy",
          "Headers of its answer that are set on the request to the application, and "
          "never taken from the client.",
          SLUICE_AT(access.call.copy)),
      R::duration("auth_timeout", {10ms, 5min}, "For its answer.", SLUICE_AT(access.call.timeout)),
      R::count(
          "auth_cache_entries", {0, 1'000'000},
          "Answers that each worker remembers, as long as their `cache-control: max-age` says; "
          "for the same method, URL and headers only.",
          SLUICE_AT(access.call.cache_entries)),
      R::choice<CorsBy>(
          "cors", {{"pass", CorsBy::application}, {"own", CorsBy::gateway}},
          "Who tells browsers which pages of other origins may read: the application, "
          "or the gateway by `cors_origins`.",
          SLUICE_AT(access.cors_by)),
      R::list("cors_origins", "As hub.cors_origins.", SLUICE_AT(access.cors.origins)),
      {"cors_expose", "array of strings", "",
       "Headers of answers that pages may read, beside last-event-id, sluice-stream-id and "
       "x-request-id.",
       [](Route& route, const Value& value) -> Result<void> {
         const auto* given = std::get_if<std::vector<std::string>>(&value);
         if (given == nullptr) return fail(Errc::invalid, "must be an array of strings");
         for (const std::string& name : *given) {
           if (!is_token(name)) {
             return fail(Errc::invalid, fmt::format("\"{}\" is not the name of a header", name));
           }
           route.access.cors.exposed += ", " + to_lower(name);
         }
         return {};
       },
       [](const Route&) { return std::string(); }},
      R::duration("cors_max_age", {0ms, 24h}, "As hub.cors_max_age.",
                  SLUICE_AT(access.cors.max_age)),
  };
}

}  // namespace

const std::vector<Row<Route>>& route_rows() {
  static const Rows rows = [] {
    Rows all = match_rows();
    for (auto* more : {target_rows, stream_rows, kept_rows, route_access_rows}) {
      for (auto& row : more()) all.push_back(std::move(row));
    }
    return all;
  }();
  return rows;
}

}  // namespace sluice::server
