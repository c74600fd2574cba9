#include <chrono>

#include "gateway/server/config_rows.h"

namespace sluice::server {

using namespace std::chrono_literals;

using C = Make<Config>;

/// Which server, and who we are there.
std::vector<Row<Config>> redis_server_rows() {
  return {
      C::text("history.url",
              "Server of the Redis journal, as \"redis://host:6379/0\"; \"rediss://…\" with TLS.",
              SLUICE_AT(history.redis.link.url)),
      C::list(
          "history.sentinels",
          "Instead of the URL: sentinels that know the Redis server, as \"10.0.0.1:26379\"; the "
          "next one is asked when one does not answer.",
          SLUICE_AT(history.redis.link.sentinels)),
      C::text("history.master", "Name of the master at the sentinels, as \"mymaster\".",
              SLUICE_AT(history.redis.link.master)),
      C::text("history.sentinel_user", "Who we are at the sentinels, for their ACL.",
              SLUICE_AT(history.redis.link.sentinel_user)),
      C::text("history.sentinel_password_file",
              "A file that holds the password for the sentinels, for us alone.",
              SLUICE_AT(history.sentinel_password_file)),
      C::duration("history.sentinel_timeout", {1ms, 1min},
                  "A sentinel that has not answered after so long is passed over.",
                  SLUICE_AT(history.redis.link.sentinel_timeout)),
      C::duration("history.sentinel_interval", {10ms, 1min},
                  "How often the sentinels are asked whether the master is still the same.",
                  SLUICE_AT(history.redis.link.sentinel_interval)),
      C::count("history.database", {0, 1'000'000}, "With sentinels: number of the database.",
               SLUICE_AT(history.redis.link.database)),
      C::flag("history.tls", "With sentinels: TLS, to them and to Redis.",
              SLUICE_AT(history.redis.link.is_tls)),
      C::text("history.key", "Name of the stream in Redis, and of what stands beside it.",
              SLUICE_AT(history.redis.key)),
      C::text("history.user", "Redis: who we are, for its ACL; instead of the URL's.",
              SLUICE_AT(history.redis.link.user)),
      C::text("history.password_file", "Redis: a file that holds the password, for us alone.",
              SLUICE_AT(history.password_file)),
      C::text("history.ca_file",
              "Redis: PEM file: whom to trust with TLS; without it whom the system trusts.",
              SLUICE_AT(history.redis.link.ca_file)),
      C::text("history.server_name",
              "Redis: name that its certificate must be for; without it the host, which for "
              "sentinels and in a cluster is what they call it.",
              SLUICE_AT(history.redis.link.server_name)),
  };
}

/// How long and how much.
std::vector<Row<Config>> redis_limit_rows() {
  return {
      C::duration("history.connect_timeout", {1ms, 10min},
                  "Redis: for connecting, for the handshake and for the login, each.",
                  SLUICE_AT(history.redis.link.connect_timeout)),
      C::duration("history.answer_timeout", {1ms, 10min},
                  "Redis: a connection without an answer for so long is made anew.",
                  SLUICE_AT(history.redis.link.answer_timeout)),
      C::size("history.answer_bytes", {1_MiB, 4096_MiB},
              "Redis: memory for one answer; a larger one is not taken. Four times "
              "hub.max_event_bytes, or more.",
              SLUICE_AT(history.redis.link.answer_bytes)),
      C::duration("history.start_timeout", {1ms, 1h}, "Redis: a start waits for it so long.",
                  SLUICE_AT(history.redis.start_timeout)),
      C::duration("history.publish_timeout", {1ms, 10min},
                  "Redis: a publisher is told what became of its events, or that nobody knows, "
                  "after so long.",
                  SLUICE_AT(history.redis.publish_timeout)),
      C::count("history.wait_replicas", {0, 100},
               "Redis: replicas that have an event before its publisher is answered (WAIT).",
               SLUICE_AT(history.redis.wait_replicas)),
      C::duration(
          "history.instance_timeout", {2s, 1h},
          "Redis: an instance not heard of for so long is gone, and its subscribers with it.",
          SLUICE_AT(history.redis.instance_timeout)),
      C::duration("history.away_limit", {0ms, 24h},
                  "Redis: when it was out of reach here for so long, streams are ended, one by one "
                  "over drain.window, so that the balancer moves them; 0s: they stay and wait.",
                  SLUICE_AT(history.away_limit)),
      C::size("history.roster_bytes", from(1),
              "Redis: of a list of all instances' subscribers; a larger one is refused.",
              SLUICE_AT(history.redis.roster_bytes)),
  };
}

}  // namespace sluice::server
