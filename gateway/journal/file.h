/// FileJournal: history in a file of its own, which outlives the process.
///
/// One thread writes, one reads; both call back from there. What was answered is stored, as
/// durably as FileOptions::sync says, and is there with the same epoch, positions and ids after
/// the next start.
///
/// Owner   server::Gateway; gone before whatever its callbacks name. Thread  any. Destroying it
/// stores what waits, and answers what waits to be read with Errc::io.
/// Errors  open(): one sentence that says what to do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/journal/counters.h"
#include "gateway/journal/journal.h"
#include "gateway/journal/options.h"

namespace sluice::journal {

class FileJournal final : public Journal, public History {
 public:
  /// `clock` and `counters` outlive it.
  static Result<std::unique_ptr<FileJournal>> open(FileOptions options, const Clock& clock,
                                                   Counters& counters);
  ~FileJournal() override;

  [[nodiscard]] const std::string& epoch() const override;
  void append(std::vector<sse::Draft> drafts, Appended done) override;
  void follow(Follower& follower) override;
  void hand_over() override;
  Result<void> take_back() override;
  [[nodiscard]] sse::Position last() const override;
  [[nodiscard]] History* history() override { return this; }

  [[nodiscard]] sse::Position evicted() const override;
  void read(Query query, PageDone done) override;
  void find(std::string own_id, FindDone done) override;

  /// Does now what time demands: it is not waited for its timer. Returns when it is done.
  void tick_for_test();

 private:
  struct Parts;
  explicit FileJournal(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::journal
