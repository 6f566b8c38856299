#include "store/producer_table.h"

#include <map>

#include "base/limits.h"
#include "store/sequence_store.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

using Verdict = ProducerTable::Verdict;

Uuid uuid(std::uint64_t n) {
    Uuid id;
    store_le(id.bytes.data(), n * 0x9e3779b97f4a7c15ULL);
    store_le(id.bytes.data() + 8, n);
    return id;
}

// An environment with one database, and the table over it.
class Table {
  public:
    Table() {
        lmdb::EnvOptions options;
        options.map_bytes = limits::kGiB;
        auto env = lmdb::Env::open(dir_.path("env"), options);
        REQUIRE(env);
        env_ = std::move(*env);
        auto txn = env_->write();
        REQUIRE(txn);
        database_ = txn->open("producers", lmdb::Keys::bytes).value();
        REQUIRE(std::move(*txn).commit());
        reopen();
    }
    ProducerTable& operator*() { return *table_; }
    ProducerTable* operator->() { return &*table_; }
    // What is not merged is lost, as in a crash before the log is replayed.
    void reopen() { table_.emplace(*env_, database_); }
    std::size_t merge(Offset upto, std::size_t bytes_max = limits::kGiB) {
        auto txn = env_->write();
        REQUIRE(txn);
        auto bytes = table_->merge(*txn, upto, bytes_max);
        REQUIRE(bytes);
        REQUIRE(std::move(*txn).commit());
        return *bytes;
    }
    Verdict verdict(const Producer& producer) { return table_->judge(producer).value().verdict; }
    void write(const Producer& producer, std::uint64_t offset, std::uint32_t records = 1) {
        REQUIRE(table_->wrote(producer, Offset{offset}, records));
    }

  private:
    TempDirectory dir_;
    std::unique_ptr<lmdb::Env> env_;
    lmdb::Database database_;
    std::optional<ProducerTable> table_;
};

Producer producer(std::uint64_t sequence, std::uint64_t epoch = 1, std::uint64_t below = 0) {
    return {uuid(1), Epoch{epoch}, sequence, below};
}

}  // namespace

TEST_CASE("producer_table: sequences rise by one", "[store]") {
    Table table;
    CHECK(table.verdict(producer(1)) == Verdict::gap);
    CHECK(table.verdict(producer(0)) == Verdict::fresh);
    table.write(producer(0), 10);
    CHECK(table.verdict(producer(0)) == Verdict::repeated);
    CHECK(table.verdict(producer(1)) == Verdict::fresh);
    CHECK(table->judge(producer(3)).value().expected == 1);
    CHECK(table.verdict(producer(3)) == Verdict::gap);
    // It has the answers of 1 and 2.
    CHECK(table.verdict(producer(3, 1, 3)) == Verdict::fresh);
    CHECK(table.verdict(producer(4, 1, 3)) == Verdict::gap);
}

TEST_CASE("producer_table: a rejected request stays rejected", "[store]") {
    Table table;
    table.write(producer(0), 10);
    REQUIRE(table->rejected(producer(1)));
    table.write(producer(2), 11);
    CHECK(table.verdict(producer(1)) == Verdict::already_rejected);
    table.merge(Offset{12});
    table.reopen();
    CHECK(table.verdict(producer(1)) == Verdict::already_rejected);
    CHECK(table->judge(producer(2)).value().written == Written{Offset{11}, 1});
}

TEST_CASE("producer_table: a new epoch begins anew and fences the old", "[store]") {
    Table table;
    for (std::uint64_t i = 0; i < 10; ++i) {
        table.write(producer(i), i);
    }
    table.merge(Offset{10});
    CHECK(table.verdict(producer(0, 2)) == Verdict::fresh);
    table.write(producer(0, 2), 20);
    CHECK(table.verdict(producer(5, 1)) == Verdict::fenced);
    CHECK(table->judge(producer(0, 2)).value().written.first == Offset{20});
    CHECK(table.verdict(producer(5, 2)) == Verdict::gap);
    table.merge(Offset{21});
    table.reopen();
    CHECK(table->judge(producer(0, 2)).value().written.first == Offset{20});
    CHECK(table.verdict(producer(5, 1)) == Verdict::fenced);
}

TEST_CASE("producer_table: a replay does not bring an old epoch back", "[store]") {
    Table table;
    table.write(producer(0, 2), 20);
    table.merge(Offset{0});  // it is merged before all of its log is covered
    table.reopen();
    for (std::uint64_t i = 0; i < 5; ++i) {
        table.write(producer(i, 1), i);
    }
    table.write(producer(0, 2), 20);
    CHECK(table.verdict(producer(1, 2)) == Verdict::fresh);
    CHECK(table->judge(producer(0, 2)).value().written.first == Offset{20});
}

TEST_CASE("producer_table: the last 4,096 requests are remembered, scattered or not", "[store]") {
    for (const std::uint64_t stride : {1U, 3U}) {
        Table table;
        const std::uint64_t n = 3 * limits::kProducerRequestsMax;
        for (std::uint64_t i = 0; i < n; ++i) {
            table.write(producer(i), i * stride);
            if (i % 700 == 0) {
                table.merge(Offset{i});
            }
        }
        table.merge(Offset{n});
        table.reopen();
        for (std::uint64_t i = n - limits::kProducerRequestsMax; i < n; i += 13) {
            CHECK(table->judge(producer(i)).value().written == Written{Offset{i * stride}, 1});
        }
        const Verdict old = table.verdict(producer(1));
        CHECK((old == Verdict::forgotten || stride == 1));
    }
}

TEST_CASE("producer_table: merges in slices, and says what is covered last", "[store]") {
    Table table;
    for (std::uint64_t p = 0; p < 100; ++p) {
        table.write({uuid(p), Epoch{1}, 0, 0}, p);
    }
    table.merge(Offset{100}, 4096);
    CHECK(table->dirty());
    CHECK(table->covered().value() == Offset{0});
    table.merge(Offset{100});
    CHECK_FALSE(table->dirty());
    CHECK(table->covered().value() == Offset{100});
}

TEST_CASE("producer_table: a log without producers is covered too", "[store]") {
    Table table;
    CHECK_FALSE(table->merge_due(Offset{limits::kTailEventsMax - 1}));
    CHECK(table->merge_due(Offset{limits::kTailEventsMax}));
    table.merge(Offset{limits::kTailEventsMax});
    CHECK(table->covered().value() == Offset{limits::kTailEventsMax});
    CHECK_FALSE(table->merge_due(Offset{limits::kTailEventsMax + 1}));
}

TEST_CASE("producer_table: fences keep their highest token", "[store]") {
    Table table;
    CHECK(table->fence("lock").value() == 0);
    table->raise_fence("lock", 5);
    table->raise_fence("lock", 3);
    CHECK(table->fence("lock").value() == 5);
    table.merge(Offset{1});
    table.reopen();
    CHECK(table->fence("lock").value() == 5);
}

TEST_CASE("producer_table: more producers in one commit than memory keeps", "[store]") {
    Table table;
    for (std::uint64_t p = 0; p < 17'000; ++p) {
        const Producer one{uuid(p), Epoch{1}, 0, 0};
        REQUIRE(table.verdict(one) == Verdict::fresh);
        table.write(one, p);
    }
    CHECK(table->merge_due(Offset{0}));
    table.merge(Offset{17'000});
    CHECK(table.verdict({uuid(3), Epoch{1}, 0, 0}) == Verdict::repeated);
}

TEST_CASE("producer_table: memory is bounded by what is not merged", "[store]") {
    Table table;
    std::uint64_t offset = 0;
    std::size_t most = 0;
    for (std::uint64_t sequence = 0; sequence < 200; ++sequence) {
        for (std::uint64_t p = 0; p < 1000; ++p) {
            table.write({uuid(p), Epoch{1}, sequence, 0}, offset);
            offset += 2;  // no two requests of a producer are neighbours
        }
        if (table->merge_due(Offset{0})) {
            table.merge(Offset{0});
        }
        most = std::max(most, table->owned_bytes());
    }
    CHECK(most < 4 * limits::kMiB);
    CHECK(table->judge({uuid(7), Epoch{1}, 1, 0}).value().written.first == Offset{2014});
}

// A page of std::map against the table: every retry gets the first receipt.
TEST_CASE("producer_table: agrees with a model", "[store][model]") {
    CHECK(rc::check("agrees with a model", [] {
        Table table;
        struct Model {
            std::uint64_t epoch = 0;
            std::uint64_t next = 0;
            std::map<std::uint64_t, std::optional<Written>> known;
        };
        std::map<std::uint64_t, Model> models;
        std::uint64_t offset = 0;
        const int steps = *rc::gen::inRange(1, 200);
        for (int step = 0; step < steps; ++step) {
            const auto who = *rc::gen::inRange<std::uint64_t>(0, 4);
            Model& model = models[who];
            const auto kind = *rc::gen::inRange(0, 12);
            Producer sent{uuid(who), Epoch{model.epoch}, model.next, 0};
            if (kind == 0) {
                table.merge(Offset{offset}, one_of<std::size_t>({1, 1U << 30}));
            } else if (kind == 1 && !table->dirty()) {
                table.reopen();
            } else if (kind == 2) {
                model = {model.epoch + 1, 0, {}};
            } else if (kind < 5) {
                RC_ASSERT(table->rejected(sent).has_value());
                model.known[model.next++] = std::nullopt;
            } else {
                const auto records = *rc::gen::inRange<std::uint32_t>(1, 3);
                RC_ASSERT(table->wrote(sent, Offset{offset}, records).has_value());
                model.known[model.next++] = Written{Offset{offset}, records};
                offset += records + *rc::gen::inRange<std::uint64_t>(0, 2);
            }
            for (const auto& [id, each] : models) {
                for (const auto& [sequence, written] : each.known) {
                    const auto judged =
                        table->judge({uuid(id), Epoch{each.epoch}, sequence, 0}).value();
                    RC_ASSERT(judged.verdict ==
                              (written ? Verdict::repeated : Verdict::already_rejected));
                    RC_ASSERT((!written || judged.written == *written));
                }
            }
        }
    }));
}

TEST_CASE("sequence_store: ranges that continue each other are one", "[store]") {
    std::vector<SequenceRange> ranges;
    CHECK(add_range(ranges, {0, 100, 1, 2}));
    CHECK_FALSE(add_range(ranges, {1, 102, 1, 2}));
    CHECK(add_range(ranges, {2, 104, 1, 1}));
    CHECK(add_range(ranges, {3, 106, 1, 1}));
    CHECK(add_range(ranges, {5, 107, 1, 1}));
    CHECK(find_in(ranges, 1) == Written{Offset{102}, 2});
    CHECK(find_in(ranges, 3) == Written{Offset{106}, 1});
    CHECK_FALSE(find_in(ranges, 4));
    // A range does not outgrow its count.
    std::vector<SequenceRange> large{{0, 0, 1U << 30, 1}};
    CHECK(add_range(large, {1U << 30, 1U << 30, 1, 1}));
}

}  // namespace skald::store
