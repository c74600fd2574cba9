/// publish: what publishing costs, by form, batch and stream. `publish --help` says what it can do.

#include "bench/common/net.h"
#include "bench/common/outcome.h"
#include "bench/publish/publish_run.h"

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const auto options = publish_options_from(argc, argv);
  ignore_broken_pipes();
  PublishRun run(options);
  const bool is_whole = run.perform();
  return tell({is_whole, is_clean(run.faults()), run.text(), run.json()}, options.load.json_file,
              "the subscriber or the publishers could not connect");
}
