/// publish: what publishing costs, by form, batch and stream. `publish --help` says what it can do.

#include <cstdio>
#include <fstream>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/publish/publish_run.h"

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const auto options = publish_options_from(argc, argv);
  ignore_broken_pipes();
  PublishRun run(options);
  const bool performed = run.perform();
  fmt::print("{}", run.text());
  if (!options.load.json_file.empty()) {
    std::ofstream file(options.load.json_file);
    file << run.json();
    if (!file.flush()) die(fmt::format("cannot write {}", options.load.json_file));
  }
  if (!performed) fmt::print(stderr, "the subscriber or the publishers could not connect\n");
  return performed && is_clean(run.faults()) ? 0 : 1;
}
