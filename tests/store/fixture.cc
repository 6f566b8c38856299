#include "tests/store/fixture.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace skald::store {

TestLog::TestLog(std::uint16_t partitions, bool write_ahead)
    : directory_(dir_.path("log")), partitions_(partitions), write_ahead_(write_ahead) {
    reopen();
}

void TestLog::close() {
    store_.reset();
    volume_.reset();
}

void TestLog::reopen() {
    close();
    VolumeOptions options;
    options.partitions = partitions_;
    options.write_ahead = write_ahead_;
    auto volume = Volume::open(directory_, options, clock_);
    INFO((volume ? "" : volume.error().message));
    REQUIRE(volume);
    volume_ = std::move(*volume);
    store_ = make_local_store(*volume_);
}

Receipt TestLog::append(const std::string& stream, const std::vector<std::string>& data,
                        Expected expected) {
    std::vector<NewEvent> events;
    for (const std::string& text : data) {
        events.push_back(event_of("made", text));
    }
    auto receipt = store_->append(Append::many(stream, std::move(events), expected));
    INFO((receipt ? "" : receipt.error().message));
    REQUIRE(receipt);
    return *receipt;
}

Receipt TestLog::change(const std::string& stream, const LifecycleChange& change) {
    auto receipt = store_->change_stream({stream, Expected::any(), change});
    INFO((receipt ? "" : receipt.error().message));
    REQUIRE(receipt);
    return *receipt;
}

ScavengeReport TestLog::scavenge() {
    auto report = volume_->scavenge({}, {});
    INFO((report ? "" : report.error().message));
    REQUIRE(report);
    return *report;
}

std::vector<Event> TestLog::read(const Selection& selection, const Start& start, bool backward) {
    Read read;
    read.selection = selection;
    read.start = start;
    read.backward = backward;
    read.limit = 4096;
    auto page = store_->read(read);
    INFO((page ? "" : page.error().message));
    REQUIRE(page);
    REQUIRE(page->end);
    return {page->events.begin(), page->events.end()};
}

std::vector<std::string> TestLog::data(const std::string& stream) {
    std::vector<std::string> data;
    for (const Event& event : read(Selection::stream(stream))) {
        data.push_back(event.data);
    }
    return data;
}

NewEvent event_of(std::string type, std::string data) {
    NewEvent event;
    event.type = std::move(type);
    event.data = std::move(data);
    return event;
}

std::string bytes_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace skald::store
