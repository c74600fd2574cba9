/// resume: what it costs when many readers come back. `resume --help` says what it can do.

#include "bench/common/net.h"
#include "bench/common/outcome.h"
#include "bench/resume/resume_run.h"

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const auto options = resume_options_from(argc, argv);
  ignore_broken_pipes();
  ResumeRun run(options);
  const bool is_whole = run.perform();
  return tell({is_whole, is_clean(run.faults()), run.text(), run.json()}, options.load.json_file,
              "a phase came to no end");
}
