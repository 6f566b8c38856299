// Verifies one directory: first every partition's log and what it says of consumers, then, when all
// logs are sound, what is derived from them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "skald/admin.h"
#include "store/admin/consumer_verifier.h"
#include "store/admin/directory.h"
#include "store/log_set.h"

namespace skald::store {

class Verifier {
  public:
    Verifier(Directory& directory, const AdminProgress& progress)
        : directory_(directory),
          progress_(progress),
          consumers_(directory.databases.size(),
                     [this](VerifyProblem found) { problem(std::move(found)); }) {}
    Result<VerifyReport> run();

  private:
    // A lifecycle record and what it hid at most: until the next one of its stream, or the log's
    // end.
    struct Rule {
        Offset offset;
        StreamControl control;
        Time until;       // the log's clock then
        Offset until_at;  // and its end
    };
    struct Range {
        Offset begin;
        Offset end;
    };
    // What the walk over one log found.
    struct Walked {
        LogMeta meta;
        Offset next;
        wire::ChainHash chain{};
        Time clock;
        std::uint64_t fingerprint = 0;  // of the postings that its index must hold
        std::vector<Range> holes;       // rising, none beside another
        std::unordered_map<std::string, std::vector<Rule>> rules;
    };
    // The same stream's rules with the next version at the end of each.
    struct DatedRule {
        Rule rule;
        Version next;
    };
    using DatedRules = std::unordered_map<std::string, std::vector<DatedRule>>;

    void problem(std::optional<Offset> offset, std::string place, std::string message) {
        problem({partition_, offset, std::move(place), std::move(message)});
    }
    void problem(VerifyProblem found);
    const LogDatabases& databases() const { return directory_.databases[partition_.value]; }
    Walked& walked() { return walked_[partition_.value]; }
    std::vector<Offset> ends() const;

    // ---- the log
    Result<void> walk_log();
    Result<bool> read_meta();
    Result<bool> walk_some();
    void verify_batch(Offset key, Bytes bytes);
    void verify_counts(const wire::BatchView& batch);
    void note(const EventView& event, bool hole);
    void note_rule(const EventView& event);

    // ---- what is derived
    void verify_derived();
    Result<void> verify_partition(const PartitionLog& log);
    Result<std::uint64_t> sum_of_present(const IndexSnapshot& index);
    Result<std::uint64_t> sum_of_term(const IndexSnapshot& index, const Term& term);
    bool is_hole(Offset offset);
    Result<void> verify_holes(const PartitionLog& log);
    Result<bool> verify_holes_of(const wire::BatchView& batch, const IndexSnapshot& index,
                                 DatedRules& dated);
    Result<bool> explained(const EventView& hole, const IndexSnapshot& index, DatedRules& dated);
    Result<std::vector<DatedRule>> date(const IndexSnapshot& index, std::string_view stream);

    Directory& directory_;
    const AdminProgress& progress_;
    VerifyReport report_;
    std::uint64_t total_bytes_ = 0;
    Partition partition_;
    std::vector<Walked> walked_;  // by partition
    ConsumerVerifier consumers_;
};

}  // namespace skald::store
