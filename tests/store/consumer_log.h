// A log with the control records of consumers in it, as a node writes them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/volume.h"
#include "tests/store/fixture.h"
#include "wire/consumer_chain.h"

namespace skald::store {

inline wire::CatalogueEntry consumer_entry(std::string name, std::uint64_t born) {
    wire::CatalogueEntry entry;
    entry.settings.name = std::move(name);
    entry.born = born;
    return entry;
}

class ConsumerLog : public TestLog {
  public:
    using TestLog::TestLog;

    // Rests on the one of its stream that was written before.
    Offset write(const std::string& stream, std::string data) {
        NewEvent record;
        record.type = stream == wire::kCatalogueStream ? wire::kCatalogueType : wire::kConsumerType;
        record.data = std::move(data);
        auto encoded = wire::encode_control(stream, Expected::any(), record, ids_);
        wire::set_query_from(encoded.bytes, previous_[stream]);
        const auto view = wire::RequestView::open(as_bytes(encoded.bytes), true);
        REQUIRE(view);
        const auto outcome = volume().append({*view, std::nullopt, nullptr, 0});
        INFO((outcome ? "" : outcome.error().message));
        REQUIRE(outcome);
        previous_[stream] = outcome->offset.value + 1;
        return outcome->offset;
    }
    Offset declare(std::vector<wire::CatalogueEntry> consumers, std::uint64_t births) {
        return write(std::string(wire::kCatalogueStream),
                     wire::encode(wire::ConsumerCatalogue{std::move(consumers), births}));
    }
    Offset move(const wire::CatalogueEntry& entry, wire::ConsumerRecord record) {
        const std::string stream = wire::stream_of(entry);
        record.previous = previous_[stream];
        return write(stream, wire::encode(record));
    }
    // A record that says `done` and nothing else.
    Offset done(const wire::CatalogueEntry& entry, std::uint64_t done, std::uint32_t part = 0,
                std::uint32_t parts = 0) {
        wire::ConsumerRecord record;
        record.done = done;
        record.part = part;
        record.parts = parts;
        return move(entry, std::move(record));
    }
    // What the records say that a start would read, in order.
    std::vector<std::uint64_t> stands(const wire::CatalogueEntry& entry) {
        const std::string stream = wire::stream_of(entry);
        std::vector<std::uint64_t> done;
        const auto last = volume().last_control(stream);
        INFO((last ? "" : last.error().message));
        REQUIRE(last);
        if (!*last) {
            return done;
        }
        const auto first = wire::walk_chain(
            stream, (*last)->offset, [&](Offset at) { return volume().control_at(stream, at); },
            [&done](Offset, const wire::ConsumerRecord& record) { done.push_back(record.done); });
        INFO((first ? "" : first.error().message));
        REQUIRE(first);
        std::reverse(done.begin(), done.end());
        return done;
    }
    Offset start(std::size_t partition = 0) {
        return volume().info().partitions.at(partition).start;
    }
    // Closes it.
    VerifyReport verify() {
        close();
        auto report = verify_directory(directory());
        INFO((report ? "" : report.error().message));
        REQUIRE(report);
        return *report;
    }
    void check_sound() {
        const VerifyReport report = verify();
        CHECK(report.index_checked);
        for (const VerifyProblem& problem : report.problems) {
            FAIL_CHECK(problem.place << ": " << problem.message);
        }
        reopen();
    }

  private:
    wire::IdSource ids_;
    std::map<std::string, std::uint64_t> previous_;  // 1 more than the newest's offset, by stream
};

}  // namespace skald::store
