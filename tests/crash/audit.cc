#include "tests/crash/audit.h"

#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "skald/admin.h"
#include "skald/store.h"

namespace skald::crash {
namespace {

constexpr std::size_t kProblemsMax = 20;

class Auditor {
  public:
    Auditor(const std::string& directory, std::uint64_t seed, const Acks& acks)
        : directory_(directory), seed_(seed), acks_(acks) {
        for (std::uint16_t lane = 0; lane < kLanes; ++lane) {
            lanes_.push_back({Lane(seed, lane), {}, 0, 0});
            load_next(lanes_.back());
        }
    }

    AuditReport run() {
        if (acks_.differed) {
            problem("a request was acknowledged twice, differently");
        }
        if (verify()) {
            read();
            finish();
        }
        return std::move(report_);
    }

  private:
    struct Expectation {
        std::string stream;
        Expected expected;
        std::size_t nth;  // event of its stream in the request
        NewEvent event;
    };
    struct LaneState {
        Lane lane;
        std::vector<Expectation> events;  // of the request that comes next
        std::size_t seen = 0;             // of those
        std::uint64_t sequence = 0;       // of that request
    };

    void problem(const std::string& what) {
        if (report_.problems.size() < kProblemsMax) {
            report_.problems.push_back(what);
        }
    }

    static void load_next(LaneState& state) {
        state.sequence = state.lane.sequence();
        state.seen = 0;
        state.events.clear();
        for (StreamAppend& stream : state.lane.next().streams) {
            for (std::size_t i = 0; i < stream.events.size(); ++i) {
                state.events.push_back(
                    {stream.stream, stream.expected, i, std::move(stream.events[i])});
            }
        }
    }

    // False when there is nothing to be read.
    bool verify() {
        auto report = verify_directory(directory_);
        if (!report) {
            if (report.error().code != Errc::not_found || acks_.count != 0) {
                problem("verify: " + report.error().message);
                report_.lost += acks_.count;
            }
            return false;
        }
        for (const VerifyProblem& found : report->problems) {
            problem("verify: partition " + std::to_string(found.partition.value) + " " +
                    found.place + ": " + found.message);
        }
        if (report->problem_count == 0 && !report->index_checked) {
            problem("verify: the index was not checked");
        }
        return true;
    }

    void read() {
        const Monotonic before = SystemClock::instance().monotonic();
        auto store = open_store(directory_, StoreOptions{1, 0, false});
        report_.open_ms =
            std::chrono::duration<double, std::milli>(SystemClock::instance().monotonic() - before)
                .count();
        if (!store) {
            problem("open: " + store.error().message);
            return;
        }
        Read request{Selection::all()};
        request.selection.system = true;
        request.limit = 4096;
        for (bool end = false; !end;) {
            auto page = (*store)->read(request);
            if (!page) {
                problem("read: " + page.error().message);
                return;
            }
            for (const EventView& event : page->events) {
                note(event);
            }
            request.start = page->next;
            end = page->end;
        }
    }

    void note(const EventView& event) {
        auto& next = next_offset_[event.partition.value];
        if (event.offset < next) {
            problem("offset " + std::to_string(event.offset.value) + " comes again");
        }
        next = event.offset + 1;
        if (event.control) {
            return;
        }
        if (!ids_.insert(event.id).second) {
            ++report_.doubled;
            problem("event " + to_string(event.id) + " is there twice");
            return;
        }
        if (const auto key = key_of(seed_, event.id)) {
            note_of_lane(event, *key);
        }
    }

    void note_of_lane(const EventView& event, EventKey key) {
        ++report_.events;
        if (key.lane >= kLanes) {
            problem("an event of no lane");
            return;
        }
        LaneState& state = lanes_[key.lane];
        if (key.sequence != state.sequence || key.index != state.seen) {
            problem("lane " + std::to_string(key.lane) + ": request " +
                    std::to_string(key.sequence) + " event " + std::to_string(key.index) +
                    " stands where " + std::to_string(state.sequence) + " event " +
                    std::to_string(state.seen) + " should");
            return;
        }
        compare(event, state.events[state.seen]);
        follows(event, state);
        if (++state.seen == state.events.size()) {
            complete(event, key);
            load_next(state);
        }
    }

    void compare(const EventView& event, const Expectation& planned) {
        std::uint64_t& next = next_version_[std::string(event.stream)];
        if (event.version.value != next) {
            problem(std::string(event.stream) + ": version " + std::to_string(event.version.value) +
                    " where " + std::to_string(next) + " should be");
        }
        next = event.version.value + 1;
        if (event.stream != planned.stream || event.type != planned.event.type ||
            event.data != planned.event.data || event.tags().size() != planned.event.tags.size()) {
            problem(to_string(event.id) + " is not what was sent");
        }
        if (planned.expected.kind() == Expected::Kind::exact &&
            event.version != planned.expected.version() + 1 + planned.nth) {
            problem(to_string(event.id) + " was not written at the version it was sent for");
        }
    }

    // A request's events lie one behind the other.
    void follows(const EventView& event, const LaneState& state) {
        Offset& last = last_offset_[&state];
        if (state.seen != 0 && event.offset != last + 1) {
            problem(to_string(event.id) + " does not follow the event before it in its request");
        }
        last = event.offset;
    }

    void complete(const EventView& event, EventKey key) {
        const auto& lane = acks_.acknowledged[key.lane];
        const auto ack = lane.find(key.sequence);
        if (ack == lane.end()) {
            return;
        }
        const AckRecord& said = ack->second;
        if (said.offset != event.offset.value || said.version != event.version.value ||
            said.partition != event.partition.value || said.id != event.id ||
            said.stream != stream_hash(event.stream)) {
            ++report_.lost;
            problem("lane " + std::to_string(key.lane) + " request " +
                    std::to_string(key.sequence) + " is not where its receipt says");
        }
    }

    void finish() {
        for (std::uint16_t lane = 0; lane < kLanes; ++lane) {
            const LaneState& state = lanes_[lane];
            if (state.seen != 0) {
                problem("lane " + std::to_string(lane) + ": request " +
                        std::to_string(state.sequence) + " is there in part");
            }
            const auto& acknowledged = acks_.acknowledged[lane];
            for (auto at = acknowledged.lower_bound(state.sequence); at != acknowledged.end();
                 ++at) {
                ++report_.lost;
                problem("lane " + std::to_string(lane) + ": request " + std::to_string(at->first) +
                        " was acknowledged and is not there");
            }
        }
    }

    std::string directory_;
    std::uint64_t seed_;
    const Acks& acks_;
    AuditReport report_;
    std::vector<LaneState> lanes_;
    std::unordered_set<Uuid> ids_;
    std::map<std::uint16_t, Offset> next_offset_;                  // by partition
    std::unordered_map<std::string, std::uint64_t> next_version_;  // by stream of the lanes
    std::map<const LaneState*, Offset> last_offset_;
};

}  // namespace

AuditReport audit(const std::string& directory, std::uint64_t seed, const Acks& acks) {
    return Auditor(directory, seed, acks).run();
}

}  // namespace skald::crash
