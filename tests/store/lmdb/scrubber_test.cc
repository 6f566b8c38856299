#include "store/lmdb/scrubber.h"

#include <map>

#include "base/limits.h"
#include "tests/store/fixture.h"

namespace skald::store::lmdb {
namespace {

class File {
  public:
    File() {
        EnvOptions options;
        options.map_bytes = limits::kGiB;
        env_ = std::move(Env::open(dir_.path("env"), options).value());
        auto txn = env_->write();
        numbers = txn->open("numbers", Keys::integers).value();
        names = txn->open("names", Keys::bytes).value();
        REQUIRE(std::move(*txn).commit());
    }
    Env& env() { return *env_; }
    void put(std::uint64_t key, const std::string& value) {
        auto txn = env_->write();
        REQUIRE(txn->put(numbers, key, as_bytes(value)));
        REQUIRE(txn->put(names, as_bytes("name" + std::to_string(key)), as_bytes(value)));
        REQUIRE(std::move(*txn).commit());
    }
    void erase(std::uint64_t key) {
        auto txn = env_->write();
        REQUIRE(txn->erase(numbers, key));
        REQUIRE(txn->erase(names, as_bytes("name" + std::to_string(key))));
        REQUIRE(std::move(*txn).commit());
    }
    ScrubCounts scrub(const Scrubber::Enough& enough = [] { return false; }) {
        auto scrubber = Scrubber::open(*env_);
        REQUIRE(scrubber);
        for (int round = 0; round < 4; ++round) {
            REQUIRE((*scrubber)->wipe_buffers(numbers));
        }
        for (bool more = true; more;) {
            more = (*scrubber)->zero_gaps(enough).value();
        }
        for (int i = 0; i < 2; ++i) {
            auto txn = env_->write();
            REQUIRE(txn->put(names, as_bytes("tick"), as_bytes("t")));
            REQUIRE(std::move(*txn).commit());
        }
        for (bool more = true; more;) {
            more = (*scrubber)->zero_free_pages(enough).value();
        }
        REQUIRE((*scrubber)->sync());
        return (*scrubber)->counts();
    }
    bool holds(const std::string& text) const {
        return bytes_of_file(env_->directory() + "/data.mdb").find(text) != std::string::npos;
    }
    std::optional<std::string> get(std::uint64_t key) const {
        auto txn = env_->read();
        auto value = txn->get(numbers, key).value();
        return value ? std::optional(std::string(as_text(*value))) : std::nullopt;
    }

    Database numbers;
    Database names;

  private:
    TempDirectory dir_;
    std::unique_ptr<Env> env_;
};

std::string text(char filler, std::size_t bytes) {
    return std::string(bytes, filler);
}

}  // namespace

TEST_CASE("scrubber: what was erased is nowhere in the file", "[store]") {
    for (const std::size_t bytes : {40U, 700U, 2500U, 4000U, 10'000U, 300'000U}) {
        File file;
        for (std::uint64_t key = 0; key < 50; ++key) {
            file.put(key, text(key == 20 ? 'Q' : 'a', bytes));
        }
        file.erase(20);
        CHECK(file.holds(text('Q', 30)));
        CHECK(file.scrub().pages_zeroed > 0);
        CHECK_FALSE(file.holds(text('Q', 30)));
        for (std::uint64_t key = 0; key < 50; ++key) {
            CHECK(file.get(key).has_value() == (key != 20));
        }
        for (std::uint64_t key = 50; key < 60; ++key) {
            file.put(key, text('b', 100));
        }
        CHECK_FALSE(file.holds(text('Q', 30)));
        CHECK(file.get(19) == text('a', bytes));
    }
}

TEST_CASE("scrubber: a page that a reader may see stays", "[store]") {
    File file;
    file.put(1, text('Q', 20'000));
    auto reader = file.env().read();
    REQUIRE(reader);
    file.erase(1);
    CHECK(file.scrub().pages_kept > 0);
    CHECK(as_text(*reader->get(file.numbers, 1).value()) == text('Q', 20'000));
    { const ReadTxn ended = std::move(*reader); }
    file.scrub();
    CHECK_FALSE(file.holds(text('Q', 30)));
}

TEST_CASE("scrubber: one piece of work a slice comes to the same end", "[store]") {
    File file;
    for (std::uint64_t key = 0; key < 300; ++key) {
        file.put(key, text(key % 3 == 0 ? 'Q' : 'a', 500 + key * 13));
    }
    for (std::uint64_t key = 0; key < 300; key += 3) {
        file.erase(key);
    }
    file.scrub([] { return true; });
    CHECK_FALSE(file.holds(text('Q', 30)));
    for (std::uint64_t key = 0; key < 300; ++key) {
        CHECK(file.get(key).has_value() == (key % 3 != 0));
    }
    const ScrubCounts again = file.scrub();
    CHECK(again.gaps_zeroed < 20);
}

TEST_CASE("scrubber: leaves every value as it was", "[store][model]") {
    CHECK(rc::check("leaves every value as it was", [] {
        File file;
        std::map<std::uint64_t, std::string> model;
        const int steps = *rc::gen::inRange(1, 60);
        for (int i = 0; i < steps; ++i) {
            const auto key = *rc::gen::inRange<std::uint64_t>(0, 20);
            if (model.contains(key) && *rc::gen::arbitrary<bool>()) {
                file.erase(key);
                model.erase(key);
            } else {
                model[key] = text(static_cast<char>('a' + i % 26),
                                  one_of<std::size_t>({5, 1900, 2100, 4080, 4081, 20'000}));
                file.put(key, model[key]);
            }
            if (*rc::gen::inRange(0, 12) == 0) {
                file.scrub();
            }
        }
        file.scrub();
        for (std::uint64_t key = 0; key < 20; ++key) {
            const auto found = model.find(key);
            RC_ASSERT(file.get(key) ==
                      (found == model.end() ? std::nullopt : std::optional(found->second)));
        }
    }));
}

}  // namespace skald::store::lmdb
