/// load: a load generator for Server-Sent-Events servers. `load --help` says what it can do.

#include <cstdio>
#include <fstream>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/net.h"
#include "bench/load/report.h"

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const auto options = options_from(argc, argv);
  ignore_broken_pipes();
  Run run(options);
  const bool performed = run.perform();
  fmt::print("{}", report_text(run));
  if (!options.json_file.empty()) {
    std::ofstream file(options.json_file);
    file << report_json(run);
    if (!file.flush()) die(fmt::format("cannot write {}", options.json_file));
  }
  if (!performed) fmt::print(stderr, "not all streams and publishers could be set up\n");
  return performed && run.is_clean() ? 0 : 1;
}
