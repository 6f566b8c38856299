#include "store/index/run.h"

#include <fmt/format.h>
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <map>

#include "base/crc32c.h"
#include "store/index/posting_codec.h"
#include "store/index/query.h"
#include "store/index/run_writer.h"
#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

using Terms = std::map<std::pair<EntryKind, std::string>, std::vector<std::uint64_t>>;

// A run written from terms and opened again, with its blocks in between for damage.
class RunFixture {
  public:
    explicit RunFixture(const Terms& terms, std::uint64_t low = 1000) {
        info_.id = 5;
        info_.low = low;
        info_.high = low + 100'000'000;
        RunWriter writer(info_, 2048);
        std::vector<std::pair<Target, const std::vector<std::uint64_t>*>> sorted;
        for (const auto& [term, offsets] : terms) {
            sorted.emplace_back(Target::of(term.first, term.second), &offsets);
        }
        std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
            return std::tuple(a.first.hash, a.first.kind, a.first.key) <
                   std::tuple(b.first.hash, b.first.kind, b.first.key);
        });
        for (const auto& [target, offsets] : sorted) {
            add(writer, target, *offsets);
        }
        info_ = writer.finish(blocks_);
    }

    std::vector<Block>& blocks() { return blocks_; }
    const RunInfo& info() const { return info_; }

    Result<std::shared_ptr<const Run>> open() {
        env_.reset();
        directory_ = std::make_unique<TempDirectory>();
        env_ = open_env(directory_->path());
        auto txn = env_->write().value();
        const auto db = txn.open("p0.runs", lmdb::Keys::integers).value();
        for (const Block& block : blocks_) {
            REQUIRE(txn.put(db, block.key, as_bytes(block.bytes)));
        }
        REQUIRE(std::move(txn).commit());
        const auto read = env_->read().value();
        return Run::open(read, db, info_);
    }

  private:
    void add(RunWriter& writer, const Target& target, const std::vector<std::uint64_t>& offsets) {
        for (std::size_t at = 0; at < offsets.size(); at += kEntryPostingsMax) {
            const std::size_t n = std::min<std::size_t>(kEntryPostingsMax, offsets.size() - at);
            std::string tokens;
            PostingEncoder encoder(tokens, offsets[at]);
            for (std::size_t i = 1; i < n; ++i) {
                encoder.add(offsets[at + i]);
            }
            encoder.finish();
            Entry entry{target.kind,
                        target.key,
                        offsets[at],
                        offsets[at + n - 1],
                        target.kind == EntryKind::stream ? at : 0,
                        static_cast<std::uint32_t>(n),
                        tokens};
            writer.add(target.hash, entry, blocks_);
        }
    }

    std::unique_ptr<TempDirectory> directory_;
    std::unique_ptr<lmdb::Env> env_;
    RunInfo info_;
    std::vector<Block> blocks_;
};

std::vector<std::uint64_t> ask(const Run& run, EntryKind kind, const std::string& key,
                               std::uint64_t from, bool backward, std::size_t limit) {
    std::vector<Posting> out;
    const Query query{Target::of(kind, key), Axis::offset, from, backward, limit, 0,
                      ~std::uint64_t{0}};
    REQUIRE(collect(run, query, out));
    std::vector<std::uint64_t> offsets;
    for (const Posting posting : out) {
        offsets.push_back(posting.offset.value);
    }
    return offsets;
}

// Many keys, one with postings over several blocks, both kinds that share a hash.
Terms large_terms() {
    Terms terms;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        terms[{EntryKind::stream, fmt::format("account-{}", i)}] = {1000 + i, 100'000 + 3 * i};
    }
    for (std::uint64_t i = 0; i < 300'000; ++i) {
        terms[{EntryKind::category, "account"}].push_back(1000 + 211 * i);
    }
    terms[{EntryKind::lifecycle, "account-7"}] = {1007, 2000};
    terms[{EntryKind::lifecycle, "account-x"}] = {1008};
    return terms;
}

}  // namespace

TEST_CASE("run: an empty run has no block and holds nothing", "[store]") {
    RunFixture fixture({});
    CHECK(fixture.blocks().empty());
    const auto run = fixture.open().value();
    CHECK(ask(*run, EntryKind::stream, "a", 0, false, 10).empty());
}

TEST_CASE("run: every term of a large run is found, and nothing else", "[store]") {
    const Terms terms = large_terms();
    RunFixture fixture(terms);
    REQUIRE(fixture.info().entry_blocks > 8);
    CHECK(fixture.info().fence_blocks == 1);
    CHECK(fixture.info().lifecycles == 2);
    const auto run = fixture.open().value();
    for (const auto& [term, offsets] : terms) {
        REQUIRE(ask(*run, term.first, term.second, 0, false, ~std::size_t{0}) == offsets);
        const auto last = newest(*run, Target::of(term.first, term.second), ~std::uint64_t{0});
        REQUIRE(last.value()->offset == Offset(offsets.back()));
    }
    for (int i = 0; i < 20'000; ++i) {
        REQUIRE(ask(*run, EntryKind::stream, fmt::format("nobody-{}", i), 0, false, 1).empty());
        REQUIRE(ask(*run, EntryKind::tag, fmt::format("account-{}", i), 0, true, 1).empty());
    }
}

TEST_CASE("run: a term over many blocks is entered anywhere", "[store]") {
    const Terms terms = large_terms();
    RunFixture fixture(terms);
    const auto run = fixture.open().value();
    const auto& all = terms.at({EntryKind::category, "account"});
    for (std::size_t i = 0; i < all.size(); i += 997) {
        const std::vector<std::uint64_t> ahead(
            all.begin() + static_cast<std::ptrdiff_t>(i),
            all.begin() + static_cast<std::ptrdiff_t>(std::min(i + 3, all.size())));
        REQUIRE(ask(*run, EntryKind::category, "account", all[i], false, 3) == ahead);
        REQUIRE(ask(*run, EntryKind::category, "account", all[i] - 1, false, 3) == ahead);
        REQUIRE(ask(*run, EntryKind::category, "account", all[i] + 1, true, 1) ==
                std::vector{all[i]});
    }
    // Where one entry of the term ends and the next begins.
    for (std::size_t i = kEntryPostingsMax; i < all.size(); i += kEntryPostingsMax) {
        for (const std::size_t k : {i - 1, i, i + 1}) {
            REQUIRE(ask(*run, EntryKind::category, "account", all[k], true, 1) ==
                    std::vector{all[k]});
            REQUIRE(ask(*run, EntryKind::category, "account", all[k], false, 1) ==
                    std::vector{all[k]});
        }
    }
    CHECK(ask(*run, EntryKind::category, "account", 999, true, 3).empty());
    CHECK(ask(*run, EntryKind::category, "account", all.back() + 1, false, 3).empty());
}

TEST_CASE("run: what is written lies in blocks within their bounds", "[store]") {
    RunFixture fixture(large_terms());
    for (const Block& block : fixture.blocks()) {
        CHECK(block.bytes.size() <= kBlockBytesMax);
        CHECK(block.bytes.size() >= 2048);
    }
}

TEST_CASE("run: a missing block or damaged fence is found when it is opened", "[store]") {
    RunFixture fixture(large_terms());
    auto& blocks = fixture.blocks();
    blocks.back().bytes[kBlockHeadBytes] ^= 1;
    CHECK(fixture.open().error().code == Errc::corrupt);
    blocks.back().bytes[kBlockHeadBytes] ^= 1;
    CHECK(fixture.open().has_value());
    blocks.erase(blocks.begin() + 2);
    CHECK(fixture.open().error().code == Errc::corrupt);
}

TEST_CASE("run: a damaged byte anywhere in a block is found at its first use", "[store]") {
    Terms terms;
    for (std::uint64_t i = 0; i < 10; ++i) {
        terms[{EntryKind::stream, fmt::format("account-{}", i)}] = {1000 + i, 1010 + i, 2000 + i};
    }
    RunFixture fixture(terms);
    REQUIRE(fixture.info().entry_blocks == 1);
    std::string& bytes = fixture.blocks()[0].bytes;
    for (std::size_t i = 0; i < bytes.size(); i += 37) {
        bytes[i] = static_cast<char>(bytes[i] ^ 0x40);
        const auto run = fixture.open().value();
        std::vector<Posting> out;
        const Query query{Target::of(EntryKind::stream, "account-3"),
                          Axis::offset,
                          0,
                          false,
                          9,
                          0,
                          ~std::uint64_t{0}};
        const auto asked = collect(*run, query, out);
        REQUIRE_FALSE(asked);
        CHECK(asked.error().code == Errc::corrupt);
        CHECK(asked.error().offset == 1000);
        bytes[i] = static_cast<char>(bytes[i] ^ 0x40);
    }
}

TEST_CASE("run: a block with nonsense and a right checksum does no harm", "[store]") {
    Terms terms;
    for (std::uint64_t i = 0; i < 40; ++i) {
        terms[{EntryKind::stream, fmt::format("account-{}", i)}] = {1000 + i, 1100 + i, 2000 + i};
    }
    RunFixture fixture(terms);
    const std::string good = fixture.blocks()[0].bytes;
    CHECK(rc::check("no crash", [&](std::uint16_t at, const std::string& nonsense) {
        std::string bad = good;
        const auto head = load_as<BlockHead>(bad.data());
        for (std::size_t i = 0; i < nonsense.size(); ++i) {
            bad[kBlockHeadBytes + (at + i) % (head.bytes - kBlockHeadBytes)] = nonsense[i];
        }
        seal_block(bad, head, bad.size());
        std::memcpy(bad.data() + 8, &head.bytes, sizeof head.bytes);
        const std::uint32_t crc = crc32c(as_bytes(bad).subspan(4));
        std::memcpy(bad.data(), &crc, sizeof crc);
        fixture.blocks()[0].bytes = bad;
        const auto run = fixture.open().value();
        for (const auto& [term, offsets] : terms) {
            for (const bool backward : {false, true}) {
                std::vector<Posting> out;
                const Query query{Target::of(term.first, term.second),
                                  Axis::version,
                                  1,
                                  backward,
                                  50,
                                  0,
                                  ~std::uint64_t{0}};
                (void)collect(*run, query, out).has_value();
            }
        }
    }));
}

}  // namespace skald::store::index
