#include "gateway/server/commands.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "gateway/base/file.h"
#include "gateway/h1/raw_head.h"
#include "gateway/h2/session.h"
#include "gateway/net/loop.h"
#include "gateway/redis/script.h"
#include "gateway/server/config.h"
#include "gateway/server/files.h"
#include "gateway/server/gateway.h"
#include "gateway/server/manual.h"
#include "gateway/server/metrics.h"
#include "gateway/server/reference.h"
#include "gateway/server/state.h"
#include "gateway/server/token_command.h"
#include "tls/context.h"

namespace sluice::server {
namespace {

constexpr int kFailed = 1;
constexpr int kUnworkable = 2;

int failed(int status, std::string_view what) {
  fmt::print(stderr, "sluice: {}\n", what);
  return status;
}

int print_faults(const std::vector<Fault>& faults, std::FILE* where) {
  for (const Fault& fault : faults) fmt::print(where, "{}\n", to_string(fault));
  return kUnworkable;
}

/// Before it is ready, and behind its last turn, there is nothing that they could ask for; and they
/// would end the process.
void ignore_requests() {
  for (const int request : {SIGHUP, SIGUSR1, SIGUSR2}) std::signal(request, SIG_IGN);
}

}  // namespace

int run(const Exit& command) {
  return command.status;
}

int run(const ServeCommand& command) {
  ignore_requests();
  if (!command.file.empty()) {
    const auto config = load(command.file);
    if (!config) return print_faults(config.error(), stderr);
    print_faults(config->warnings, stderr);
    return serve(*config);
  }
  const auto state = state_directory().and_then([](const std::string& directory) {
    return open_state(directory, std::chrono::system_clock::now());
  });
  if (!state) return failed(kFailed, state.error().what);
  Config config = development_default(*state);
  if (const auto faults = read_tls_files(config); !faults.empty()) {
    return print_faults(faults, stderr);
  }
  return serve(config);
}

int run(const CheckCommand& command) {
  const auto config = load(command.file);
  if (!config) return print_faults(config.error(), stdout);
  print_faults(config->warnings, stdout);
  fmt::print("{}: ok\n", command.file);
  return 0;
}

int run(const TokenCommand& command) {
  const auto secret = read_input(command.key_file).map(as_secret);
  if (!secret) return failed(kFailed, secret.error().what);
  const auto token = make_token(command, *secret, std::chrono::system_clock::now());
  if (!token) return failed(kUnworkable, token.error().what);
  fmt::print("{}\n", *token);
  return 0;
}

int run(const ReferenceCommand& command) {
  const auto page = [&] {
    if (command.page == "man") return program_manual();
    if (command.page == "man-config") return config_manual();
    if (command.page == "script") return std::string(redis::kScript);
    return command.page == "config" ? config_reference() : metrics_reference();
  };
  fmt::print("{}", page());
  return 0;
}

int run(const VersionCommand&) {
  fmt::print("sluice {}\nnghttp2 {}\n{}\nlibevent {}\nllhttp {}\n", SLUICE_VERSION,
             h2::nghttp2_version(), tls::library_version(), net::libevent_version(),
             h1::llhttp_version());
  return 0;
}

}  // namespace sluice::server
