/// resume: what it costs when many readers come back. `resume --help` says what it can do.

#include <cstdio>
#include <fstream>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/resume/resume_run.h"

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const auto options = resume_options_from(argc, argv);
  ignore_broken_pipes();
  ResumeRun run(options);
  const bool performed = run.perform();
  fmt::print("{}", run.text());
  if (!options.load.json_file.empty()) {
    std::ofstream file(options.load.json_file);
    file << run.json();
    if (!file.flush()) die(fmt::format("cannot write {}", options.load.json_file));
  }
  if (!performed) fmt::print(stderr, "a phase came to no end\n");
  return performed && is_clean(run.faults()) ? 0 : 1;
}
