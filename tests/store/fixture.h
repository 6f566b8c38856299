// A log in a temporary directory of the test's own.
#pragma once

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "skald/event_store.h"
#include "store/local_store.h"
#include "store/volume.h"
#include "tests/temp_directory.h"

namespace skald::store {

// A volume and the EventStore over it, with a clock that the test moves. One microsecond passes at
// each append by itself.
class TestLog {
  public:
    explicit TestLog(std::uint16_t partitions = 1, bool write_ahead = false);
    void reopen();
    void close();

    const std::string& directory() const { return directory_; }
    Volume& volume() { return *volume_; }
    EventStore& store() { return *store_; }
    ManualClock& clock() { return clock_; }

    Receipt append(const std::string& stream, const std::vector<std::string>& data,
                   Expected expected = Expected::any());
    Receipt change(const std::string& stream, const LifecycleChange& change);
    ScavengeReport scavenge();
    // Of the page that begins there; checks that there is no second one.
    std::vector<Event> read(const Selection& selection, const Start& start = Beginning{},
                            bool backward = false);
    std::vector<std::string> data(const std::string& stream);

  private:
    TempDirectory dir_;
    std::string directory_;
    std::uint16_t partitions_;
    bool write_ahead_;
    ManualClock clock_;
    std::unique_ptr<Volume> volume_;
    std::unique_ptr<EventStore> store_;
};

// Inside a property.
template <typename T>
T one_of(std::vector<T> values) {
    return *rc::gen::elementOf(std::move(values));
}

NewEvent event_of(std::string type, std::string data);
// The whole file.
std::string bytes_of_file(const std::string& path);

}  // namespace skald::store
