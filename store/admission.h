// Decides each request of a commit: written, repeated or rejected, in-flight records included
// (rules L3, L4). Of whoever prepares.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "store/inline_handlers.h"
#include "store/partition_log.h"
#include "store/volume.h"
#include "wire/batch_builder.h"
#include "wire/request.h"

namespace skald::store {

class Admission {
  public:
    // `queues`: none are there when it is null.
    Admission(PartitionLog& log, InlineHandlers& handlers, QueueGate* queues)
        : log_(log), inline_(handlers), queues_(queues) {}

    // What comes next is stamped with this clock.
    void begin(Time clock);
    // Of a request that comes soon.
    void prefetch(const wire::RequestView& request) const {
        log_.prefetch(request.name(request.stream(0).name));
    }
    // The request's outcome, to be given once the commit is durable. An error other than of storage
    // means: certainly nothing written. A storage error means the volume must stop. A request that
    // `waited` so long may have to wait on: then wait_more() is how long at most, the outcome means
    // nothing, and it is as if it had not come. Without `waited` it does not.
    Result<AppendOutcome> admit(const Submission& submission,
                                std::optional<std::chrono::nanoseconds> waited = {});
    std::chrono::nanoseconds wait_more() const { return wait_more_; }

    bool empty() const { return builder_.size() == 0; }
    std::size_t records() const { return builder_.size(); }
    std::size_t bytes() const { return builder_.bytes(); }
    bool has_lifecycle() const { return has_lifecycle_; }
    // Versions of events to be erased by this commit's lifecycle records.
    struct Erasure {
        std::string stream;
        Version version;
    };
    const std::vector<Erasure>& erasures() const { return erasures_; }
    // Streams that this commit's lifecycle records change.
    const std::vector<std::string>& changed() const { return changed_; }
    // The finished batch; the log's end moves behind it.
    std::string finish();

  private:
    // What stands in the log of what a request wants to write.
    struct Repeat {
        std::uint32_t matched = 0;
        Offset last_offset;
        Version last_version;
    };
    // A record that a request may repeat.
    struct Pending {
        Uuid id;
        std::uint64_t stream_hash = 0;
        Version version;
        bool control = false;
        bool hole = false;  // erased or scavenged: it stands there, but repeats nothing
    };
    // A control record takes no version: its receipt names that of the stream's last event.
    static Version named_version(const Pending& record) {
        return record.control && record.version.value != 0 ? Version{record.version.value - 1}
                                                           : record.version;
    }

    Result<void> remember(const Producer& producer, const Result<AppendOutcome>& done);
    Result<AppendOutcome> check_and_write(const Submission& submission);
    Result<std::optional<Error>> check_streams(const wire::RequestView& request);
    Result<std::optional<Error>> check_control(const wire::RequestView& request) const;
    Result<std::optional<Error>> check_fence(const wire::RequestView& request);
    Result<std::optional<Conflict>> check_query(const wire::RequestView& request) const;
    // An outcome when the request, or a part of it, was written before; nullopt when it is new.
    Result<std::optional<AppendOutcome>> find_repeat(const wire::RequestView& request,
                                                     bool conflict) const;
    Result<Repeat> match_versions(const wire::RequestView& request) const;
    Result<Repeat> match_ids(const wire::RequestView& request) const;
    Result<AppendOutcome> repeat_of(const wire::RequestView& request, Written written) const;
    Result<AppendOutcome> repeat_of_removed(const wire::RequestView& request,
                                            Written written) const;
    Result<AppendOutcome> write(const Submission& submission);
    Result<void> enter_queues(const wire::RequestView& request);
    static EventView view_of(const wire::RequestView& request, const wire::RequestSection& section,
                             std::uint32_t record);
    static QueueGate::Amount amount_of(const wire::RequestView& request, std::uint32_t stream);
    void leave_queues(const wire::RequestView& request) const;
    Result<void> ask_handlers(const wire::RequestView& request, Offset first);
    void index_records(const wire::RequestView& request, Offset first);
    void note_control(const wire::RequestView& request, Offset offset);
    Result<std::optional<Pending>> record_at(Offset offset) const;
    Result<void> look_up(Offset offset) const;
    AppendOutcome outcome(Offset last, Version version, std::uint32_t records, bool repeated) const;

    PartitionLog& log_;
    InlineHandlers& inline_;
    QueueGate* queues_;
    wire::BatchBuilder builder_;
    Time clock_;
    // Of the request in hand.
    std::optional<std::chrono::nanoseconds> waited_;
    std::chrono::nanoseconds wait_more_{0};
    bool has_lifecycle_ = false;
    std::vector<Erasure> erasures_;
    std::vector<std::string> changed_;
    std::vector<StreamFacts> facts_;       // of the request's written streams
    std::vector<Version> first_versions_;  // of the same
    std::vector<Pending> pending_;         // of the batch being built, by offset - base
    // Of the batch before, which may still be on its way to the disk.
    std::vector<Pending> previous_;
    Offset previous_base_;
    // Of the committed batch that was asked for last, none for holes: whoever sends much again
    // asks for its neighbours. Of one commit: afterwards some may be erased.
    mutable std::vector<Pending> committed_;
    mutable Offset committed_base_;
};

}  // namespace skald::store
