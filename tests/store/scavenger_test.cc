#include "store/scavenger.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include "skald/admin.h"
#include "tests/store/fixture.h"

namespace skald::store {
namespace {

using Data = std::vector<std::string>;

void check_sound(const std::string& directory) {
    auto report = verify_directory(directory);
    INFO((report ? "" : report.error().message));
    REQUIRE(report);
    CHECK(report->index_checked);
    for (const VerifyProblem& problem : report->problems) {
        FAIL_CHECK(problem.place << ": " << problem.message);
    }
}

bool in_data_file(const TestLog& log, const std::string& text) {
    return bytes_of_file(log.directory() + "/data.mdb").find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("scavenger: what readers see stays as it was", "[store]") {
    TestLog log;
    log.append("a", {"a0", "a1", "a2", "a3"});
    log.append("b", {"b0"});
    log.append("a", {"a4"});
    log.change("a", TruncateStream{Version{3}});
    const auto before = log.read(Selection::all());
    const ScavengeReport report = log.scavenge();
    CHECK(report.records_removed == 3);
    CHECK(report.batches_rewritten == 1);
    CHECK(report.batches_dropped == 0);
    CHECK(report.bytes_freed > 0);
    CHECK(log.data("a") == Data{"a3", "a4"});
    CHECK(log.read(Selection::all()) == before);
    CHECK(log.read(Selection::category("a")).size() == 2);
    CHECK(log.read(Selection::type("made"), Beginning{}).size() == 3);
    const ScavengeReport again = log.scavenge();
    CHECK(again.records_removed == 0);
    CHECK(again.batches_rewritten == 0);
    log.close();
    check_sound(log.directory());
}

TEST_CASE("scavenger: the first version of a stream is one that is left", "[store]") {
    TestLog log;
    log.append("s", {"s0", "s1", "s2"});
    log.append("other", {"o0"});
    log.append("s", {"s3", "s4"});
    log.change("s", SetLimits{{1, std::nullopt}});
    log.scavenge();
    log.change("s", SetLimits{});
    CHECK(log.data("s") == Data{"s4"});
    CHECK(log.store().stream_info("s").value().first == Version{4});
    CHECK(log.store().list_streams("s", "", 10).value().streams.at(0).first == Version{4});
    log.reopen();
    CHECK(log.store().stream_info("s").value().first == Version{4});
}

TEST_CASE("scavenger: an erased event leaves no byte behind", "[store]") {
    for (const std::size_t bytes : {30U, 400U, 3000U, 9000U, 60'000U}) {
        TestLog log;
        std::string secret = "TheSecretThatMustGo";
        secret.resize(bytes, 's');
        for (int i = 0; i < 20; ++i) {
            log.append("other", {"before" + std::to_string(i)});
        }
        const Receipt receipt = log.append("person", {"first", secret, "last"});
        for (int i = 0; i < 20; ++i) {
            log.append("other", {"after" + std::to_string(i)});
        }
        CHECK(in_data_file(log, "TheSecret"));
        log.change("person", EraseEvent{receipt.version - 1});
        CHECK(log.data("person") == Data{"first", "last"});
        CHECK(log.scavenge().pages_zeroed > 0);
        CHECK_FALSE(in_data_file(log, "TheSecret"));
        CHECK_FALSE(in_data_file(log, "ssssssss"));
        for (int i = 0; i < 20; ++i) {
            log.append("other", {"later" + std::to_string(i)});
        }
        CHECK_FALSE(in_data_file(log, "TheSecret"));
        CHECK(log.data("other").size() == 60);
        CHECK(log.data("person") == Data{"first", "last"});
        log.close();
        check_sound(log.directory());
    }
}

TEST_CASE("scavenger: the log starts behind what is gone", "[store]") {
    TestLog log;
    for (int i = 0; i < 10; ++i) {
        log.append("old", {"x" + std::to_string(i)});
    }
    const Position position = *log.store().position();
    log.append("new", {"n0"});
    log.append("new", {"n1"});
    log.change("old", DeleteStream{});
    log.append("new", {"n2"});
    const ScavengeReport report = log.scavenge();
    CHECK(report.records_removed == 10);
    CHECK(report.batches_dropped == 10);
    CHECK(log.volume().info().partitions.at(0).start == Offset{10});
    for (int round = 0; round < 2; ++round) {
        CHECK(log.data("new") == Data{"n0", "n1", "n2"});
        CHECK(log.read(Selection::all()).size() == 3);
        CHECK(log.read(Selection::all(), Beginning{}, true).empty());
        CHECK(log.read(Selection::all(), End{}, true).size() == 3);
        CHECK(log.read(Selection::all(), Offset{0}).size() == 3);
        CHECK(log.read(Selection::all(), position).size() == 3);
        CHECK(log.read(Selection::category("new")).size() == 3);
        CHECK(log.read(Selection::category("old")).empty());
        CHECK(log.store().stream_info("old")->last == Version{9});
        log.reopen();
    }
    CHECK(log.append("old", {"again"}).version == Version{10});
    CHECK(log.data("old") == Data{"again"});
    log.close();
    check_sound(log.directory());
}

TEST_CASE("scavenger: a producer's retry survives the removal of its batch", "[store]") {
    TestLog log;
    const Producer producer{Uuid{{7}}, Epoch{1}, 0, 0};
    Append first = Append::one("old", event_of("made", "x"));
    first.producer = producer;
    const auto receipt = log.store().append(first);
    REQUIRE(receipt);
    log.append("old", {"y"});
    log.append("new", {"z"});
    log.change("old", TruncateStream{Version{2}});
    CHECK(log.scavenge().batches_dropped == 2);
    const auto again = log.store().append(first);
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->version == receipt->version);
    CHECK(again->offset == receipt->offset);
    // Its index was young: after a restart nothing knows the version, but that it was written.
    log.reopen();
    const auto late = log.store().append(first);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::log_truncated);
    CHECK_FALSE(log.volume().failure());
    Append other = first;
    other.producer->sequence = 3;
    const auto gap = log.store().append(other);
    REQUIRE_FALSE(gap);
    CHECK(gap.error().code == Errc::sequence_gap);
}

TEST_CASE("scavenger: a producer's retry finds what is a hole by now", "[store]") {
    const bool erased = GENERATE(true, false);
    TestLog log;
    log.append("other", {"a"});
    Append first = Append::many("s", {event_of("made", "x"), event_of("made", "y")});
    first.streams.push_back({"kept", Expected::any(), {event_of("made", "k")}});
    std::swap(first.streams[0], first.streams[1]);
    first.producer = Producer{Uuid{{7}}, Epoch{1}, 0, 0};
    const auto receipt = log.store().append(first);
    REQUIRE(receipt);
    log.append("s", {"z"});
    if (erased) {
        log.change("s", EraseEvent{Version{1}});
    } else {
        log.change("s", TruncateStream{Version{2}});
        log.scavenge();
    }
    for (int round = 0; round < 2; ++round) {
        const auto again = log.store().append(first);
        CHECK_FALSE(log.volume().failure());
        REQUIRE(again);
        CHECK(again->repeated);
        CHECK(again->version == receipt->version);
        CHECK(again->offset == receipt->offset);
        log.reopen();
    }
    CHECK(log.append("s", {"on"}).version == Version{3});
}

TEST_CASE("scavenger: a restored log goes on where streams had come to", "[store]") {
    TestLog log;
    const Producer producer{Uuid{{7}}, Epoch{1}, 0, 0};
    Append first = Append::one("gone", event_of("made", "x"));
    first.producer = producer;
    first.fence = Fence{"lock", 5};
    REQUIRE(log.store().append(first));
    log.append("gone", {"y", "z"});
    log.append("stays", {"s0"});
    log.change("gone", DeleteStream{});
    CHECK(log.scavenge().batches_dropped == 2);
    log.close();
    const TempDirectory dir;
    REQUIRE(backup_directory(log.directory(), dir.path("backup")));
    std::filesystem::remove_all(log.directory());
    REQUIRE(restore_directory(dir.path("backup"), log.directory()));
    log.reopen();
    CHECK(log.data("stays") == Data{"s0"});
    const auto again = log.store().append(first);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::log_truncated);
    CHECK_FALSE(log.volume().failure());
    Append late = Append::one("stays", event_of("made", "x"));
    late.fence = Fence{"lock", 4};
    REQUIRE_FALSE(log.store().append(late));
    CHECK(log.append("gone", {"new"}).version == Version{3});
    log.close();
    check_sound(log.directory());
}

TEST_CASE("scavenger: ages are measured by the log's clock", "[store]") {
    TestLog log;
    StreamLimits limits;
    limits.max_age = std::chrono::seconds(60);
    log.append("aged", {"a0"});
    log.append("aged", {"a1"});
    log.change("aged", SetLimits{limits});
    log.clock().advance(std::chrono::seconds(120));
    log.append("other", {"o0"});
    CHECK(log.scavenge().records_removed == 2);
    CHECK(log.data("aged").empty());
    // Its newest event is the only one to tell the stream's next version.
    CHECK(log.volume().info().partitions.at(0).start == Offset{1});
    log.reopen();
    CHECK(log.append("aged", {"a2"}).version == Version{2});
    log.close();
    check_sound(log.directory());
}

TEST_CASE("scavenger: limits that are widened later do not accuse it", "[store]") {
    TestLog log;
    StreamLimits narrow;
    narrow.max_count = 2;
    log.append("s", {"0", "1", "2"});
    log.change("s", SetLimits{narrow});
    log.append("s", {"3", "4", "5"});
    CHECK(log.scavenge().records_removed == 4);
    log.change("s", SetLimits{});
    CHECK(log.data("s") == Data{"4", "5"});
    CHECK(log.scavenge().records_removed == 0);
    log.close();
    check_sound(log.directory());
}

TEST_CASE("scavenger: works beside appends and reads", "[store]") {
    TestLog log(4, true);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        for (int i = 0; !stop; ++i) {
            const std::string stream = "s" + std::to_string(i % 7);
            auto receipt = log.store().append(Append::one(stream, event_of("made", "d")));
            if (receipt && i % 16 == 0) {
                auto changed = log.store().change_stream(
                    {stream, Expected::any(), TruncateStream{receipt->version}});
                stop = stop || (!changed && changed.error().code != Errc::busy);
            }
        }
    });
    std::uint64_t removed = 0;
    for (int i = 0; i < 20; ++i) {
        removed += log.scavenge().records_removed;
        for (int s = 0; s < 7; ++s) {
            Read read;
            read.selection = Selection::stream("s" + std::to_string(s));
            auto page = log.store().read(read);
            CHECK((page || page.error().code == Errc::stream_not_found));
        }
    }
    stop = true;
    writer.join();
    CHECK(removed > 0);
    CHECK_FALSE(log.volume().failure());
    log.close();
    check_sound(log.directory());
}

TEST_CASE("scavenger: any history reads the same behind it", "[store][model]") {
    CHECK(rc::check("any history reads the same behind it", [] {
        TestLog log(one_of<std::uint16_t>({1, 4}));
        const int steps = *rc::gen::inRange(1, 40);
        for (int i = 0; i < steps; ++i) {
            const std::string stream = "s" + std::to_string(*rc::gen::inRange(0, 4));
            const auto kind = *rc::gen::inRange(0, 10);
            const auto at = *rc::gen::inRange<std::uint64_t>(0, 12);
            StreamLimits limits;
            limits.max_count = at + 1;
            const Lifecycle change{stream, Expected::any(),
                                   kind == 6   ? LifecycleChange(TruncateStream{Version{at}})
                                   : kind == 7 ? LifecycleChange(SetLimits{limits})
                                   : kind == 8 ? LifecycleChange(DeleteStream{at == 0})
                                               : LifecycleChange(EraseEvent{Version{at}})};
            if (kind < 6) {
                (void)log.store().append(
                    Append::many(stream, std::vector<NewEvent>(at % 4 + 1, event_of("t", "d"))));
            } else {
                (void)log.store().change_stream(change);
            }
            if (*rc::gen::inRange(0, 8) == 0) {
                log.scavenge();
            }
        }
        const auto before = log.read(Selection::all());
        log.scavenge();
        RC_ASSERT(log.read(Selection::all()) == before);
        log.reopen();
        RC_ASSERT(log.read(Selection::all()) == before);
        log.close();
        const auto report = verify_directory(log.directory());
        RC_ASSERT(report.has_value());
        RC_ASSERT(report->problem_count == 0U);
    }));
}

}  // namespace skald::store
