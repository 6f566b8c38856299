// Verifies what a log says of durable consumers: first each control record as it comes, then, once
// all logs were walked, what only all of them tell, and last, where an index leads to the records,
// whether every consumer that the newest catalogue lists can be read.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/admin.h"
#include "store/partition_log.h"
#include "wire/consumer_chain.h"

namespace skald::store {

// One thread.
class ConsumerVerifier {
  public:
    using Report = std::function<void(VerifyProblem)>;
    // `partitions`: of the log.
    ConsumerVerifier(std::size_t partitions, Report report)
        : reaches_(partitions), report_(std::move(report)) {}

    // Every control record under a name of ours, each log's in order; `start` is the log's.
    void note(const EventView& record, bool hole, Offset start);
    // By partition, where the logs end.
    void settle(const std::vector<Offset>& ends);
    // Of logs that are sound.
    void verify_chains(const std::vector<std::unique_ptr<PartitionLog>>& logs,
                       const std::vector<Offset>& ends);

  private:
    // What was met of a stream.
    struct Met {
        Partition partition;
        std::optional<Offset> newest;
        std::optional<Offset> hole;  // the newest
    };
    // The highest offset of a partition that a record of another one speaks of.
    struct Reach {
        std::optional<Offset> highest;
        Partition partition;  // of the record
        Offset offset;
    };

    void note_catalogue(const EventView& record);
    void note_record(const EventView& record, const Met& before, Offset start);
    void note_reach(const EventView& record, const wire::ConsumerRecord& consumer);
    void settle_holes();
    void verify_index(const PartitionLog& log, Offset end, const std::string& stream);
    void verify_chain(const PartitionLog& log, const std::string& stream);
    void problem(Partition partition, std::optional<Offset> offset, std::string place,
                 std::string message);

    std::map<std::string, Met, std::less<>> met_;       // by stream
    std::optional<wire::ConsumerCatalogue> catalogue_;  // the newest, when it can be read
    std::vector<Reach> reaches_;                        // by partition
    Report report_;
};

}  // namespace skald::store
