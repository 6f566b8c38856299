#include "wire/consumer_chain.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

namespace skald::wire {
namespace {

// Records by offset, each resting on the one before unless it says otherwise.
class Chain {
  public:
    void add(std::uint32_t part = 0, std::uint32_t parts = 0) {
        ConsumerRecord record;
        record.part = part;
        record.parts = parts;
        record.previous = previous_;
        put(record);
    }
    void add_resting_on(std::uint64_t previous) {
        ConsumerRecord record;
        record.previous = previous;
        put(record);
    }
    void replace(std::uint64_t at, std::string data) { data_[at] = std::move(data); }
    void remove(std::uint64_t at) { data_.erase(at); }

    Result<Offset> walk() {
        visited_.clear();
        return walk_chain(
            "$consumer/work/1", Offset{previous_ - 1},
            [this](Offset at) {
                const auto it = data_.find(at.value);
                return it == data_.end() ? Result<std::string>(Error(Errc::io_error, "none"))
                                         : it->second;
            },
            [this](Offset at, const ConsumerRecord&) { visited_.push_back(at.value); });
    }
    std::uint64_t first() {
        const auto first = walk();
        REQUIRE(first);
        CHECK(visited_.back() == first->value);
        CHECK(std::is_sorted(visited_.rbegin(), visited_.rend()));
        return first->value;
    }
    std::size_t visited() const { return visited_.size(); }

  private:
    void put(const ConsumerRecord& record) {
        const std::uint64_t at = 10 * (data_.size() + 1);
        data_[at] = encode(record);
        previous_ = at + 1;
    }

    std::map<std::uint64_t, std::string> data_;
    std::uint64_t previous_ = 0;
    std::vector<std::uint64_t> visited_;
};

}  // namespace

TEST_CASE("consumer chain: a stream tells when its consumer was born", "[wire]") {
    CatalogueEntry entry;
    entry.settings.name = "mailer";
    entry.born = 17;
    CHECK(stream_of(entry) == "$consumer/mailer/17");
    CHECK(born_of("$consumer/mailer/17") == 17U);
    CHECK(born_of("$consumer/a/b/3") == 3U);
    for (const char* other :
         {"$consumers", "$consumer/", "$consumer/17", "$consumer/a/", "$consumer/a/x",
          "$consumer/a/1x", "$consumer/a/-1", "$consumer/a/99999999999999999999", "consumer/a/1"}) {
        INFO(other);
        CHECK_FALSE(born_of(other));
    }
}

TEST_CASE("consumer chain: begins at the first record without a whole one", "[wire]") {
    Chain chain;
    chain.add();
    CHECK(chain.first() == 10);
    chain.add();
    chain.add();
    CHECK(chain.first() == 10);
    CHECK(chain.visited() == 3);
}

TEST_CASE("consumer chain: begins at the last whole record", "[wire]") {
    Chain chain;
    chain.add();
    chain.add(0, 1);
    CHECK(chain.first() == 20);
    chain.add();
    CHECK(chain.first() == 20);
    chain.add(0, 3);
    chain.add(1, 3);
    CHECK(chain.first() == 20);
    chain.add(2, 3);
    CHECK(chain.first() == 40);
    chain.add();
    CHECK(chain.first() == 40);
    CHECK(chain.visited() == 4);
}

TEST_CASE("consumer chain: parts of two whole records are none", "[wire]") {
    Chain chain;
    chain.add(0, 1);
    chain.add(0, 3);
    chain.add(1, 3);  // a crash
    chain.add(0, 3);  // another
    chain.add(0, 2);
    chain.add();  // and one more
    CHECK(chain.first() == 10);
    chain.add(1, 2);
    CHECK(chain.first() == 10);
    chain.add(2, 3);
    CHECK(chain.first() == 10);
    chain.add(0, 3);
    chain.add(1, 3);
    chain.add(2, 3);
    CHECK(chain.first() == 90);
    chain.add(3, 3);  // no part of three
    CHECK(chain.first() == 90);
}

TEST_CASE("consumer chain: what does not lead back ends the walk", "[wire]") {
    Chain chain;
    chain.add();
    chain.add();
    const auto refused = [&chain](std::uint64_t previous) {
        Chain other = chain;
        other.add_resting_on(previous);
        const auto walked = other.walk();
        REQUIRE_FALSE(walked);
        CHECK(walked.error().code == Errc::corrupt);
        CHECK(walked.error().offset == 30U);
    };
    refused(31);  // on itself
    refused(99);
    chain.add_resting_on(11);
    CHECK(chain.first() == 10);
    chain.replace(30, "no record");
    CHECK(chain.walk().error().offset == 30U);
    CHECK(chain.walk().error().code == Errc::corrupt);
    chain.remove(30);
    CHECK(chain.walk().error().code == Errc::io_error);
}

TEST_CASE("consumer chain: a catalogue that cannot be read says where it is", "[wire]") {
    ConsumerCatalogue catalogue;
    catalogue.births = 3;
    CHECK(read_catalogue(Offset{5}, encode(catalogue)).value() == catalogue);
    const auto refused = read_catalogue(Offset{5}, "no catalogue");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::corrupt);
    CHECK(refused.error().offset == 5U);
}

}  // namespace skald::wire
