#include "cli/commands/import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <deque>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/append_pipeline.h"
#include "cli/ndjson_reader.h"
#include "tests/cli/harness.h"
#include "wire/request.h"

namespace skald::cli {
namespace {

using nlohmann::json;

std::string event_line(const std::string& stream, int n) {
    return fmt::format(R"({{"stream":"{}","type":"T","data":{}}})", stream, n) + "\n";
}

std::string with_id(int n) {
    return fmt::format(
               R"({{"stream":"s","type":"T","data":1,"id":"00000000-0000-4000-8000-{:012}"}})", n) +
           "\n";
}

// Holds two appends; refuses more, and then answers one.
class NarrowStore final : public EventStore {
  public:
    void append_async(const Append& request, AppendCallback done) override {
        if (held_.size() < 2) {
            held_.emplace_back(store_.append(request), std::move(done));
            return;
        }
        done(Error(Errc::busy, "full"));
        ++refused_;
        answer();
    }
    void answer() {
        auto [result, done] = std::move(held_.front());
        held_.pop_front();
        done(std::move(result));
    }
    bool holds() const { return !held_.empty(); }
    int refused() const { return refused_; }
    std::size_t events() const { return store_.events(); }

    Result<Receipt> append(const Append&) override { return none(); }
    Result<Uuid> publish_ephemeral(std::string_view, NewEvent) override { return none(); }
    Result<Page> read(const Read&) override { return none(); }
    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe&,
                                                    SubscriptionHandler&) override {
        return none();
    }
    Result<StreamInfo> stream_info(std::string_view) override { return none(); }
    Result<StreamList> list_streams(std::string_view, std::string_view, std::uint32_t) override {
        return none();
    }
    Result<Receipt> change_stream(const Lifecycle&) override { return none(); }
    Result<std::optional<Snapshot>> get_snapshot(std::string_view) override { return none(); }
    Result<void> put_snapshot(std::string_view, const Snapshot&) override { return none(); }
    Result<Position> position() override { return none(); }

  private:
    static Error none() { return {Errc::not_found, "not here"}; }

    SmallStore store_;
    std::deque<std::pair<Result<Receipt>, AppendCallback>> held_;
    int refused_ = 0;
};

}  // namespace

TEST_CASE("import: each line is an event, and a summary ends it") {
    Harness harness;
    std::string input;
    for (int i = 0; i < 3000; ++i) {
        input += event_line("s-" + std::to_string(i % 7), i);
    }
    const Ran ran = harness.run({"import", "--data", "d"}, input);
    CHECK(ran.status == 0);
    CHECK(ran.err.empty());
    CHECK(ran.out == "imported 3000 events, 0 repeated, in 0.0 s\n");
    CHECK(harness.store().events() == 3000);
    CHECK(harness.run({"import", "-q", "--data", "d"}, event_line("s", 1)).out.empty());
    const Ran as_json = harness.run({"import", "--json", "--data", "d"}, event_line("s", 1));
    CHECK(json::parse(as_json.out) ==
          json{{"imported", 1}, {"repeated", 0}, {"failed", 0}, {"seconds", 0.0}});
}

TEST_CASE("import: receipts come in input order, however the answers come") {
    Harness harness;
    harness.store().hold_answers(true);
    std::string input;
    for (int i = 0; i < 800; ++i) {
        input += event_line("s-" + std::to_string(i % 7), i);
    }
    const Ran ran =
        harness.run({"import", "--receipts", "--in-flight", "64", "--data", "d"}, input);
    CHECK(ran.status == 0);
    CHECK(ran.err == "imported 800 events, 0 repeated, in 0.0 s\n");
    const auto receipts = lines_of(ran.out);
    REQUIRE(receipts.size() == 800);
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        CHECK(json::parse(receipts[i])["offset"] == i);
    }
}

TEST_CASE("import: lines with ids are written once") {
    Harness harness;
    const std::string input = with_id(1) + with_id(2) + with_id(1);
    CHECK(harness.run({"import", "--data", "d"}, input).out ==
          "imported 2 events, 1 repeated, in 0.0 s\n");
    const Ran again = harness.run({"import", "--receipts", "--data", "d"}, input);
    CHECK(again.err == "imported 0 events, 3 repeated, in 0.0 s\n");
    for (const std::string& receipt : lines_of(again.out)) {
        CHECK(json::parse(receipt)["repeated"] == true);
    }
    CHECK(harness.store().events() == 2);
}

TEST_CASE("import: a malformed line stops it; earlier lines stay") {
    Harness harness;
    std::string input = event_line("s", 1) + "\n" + event_line("s", 2) + "{\"stream\":\"s\"}\n";
    const Ran ran = harness.run({"import", "--data", "d"}, input);
    CHECK(ran.status == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err ==
          "imported 2 events, 0 repeated, 1 failed, in 0.0 s\n"
          "skald: import: line 4: `type` is missing\n");
    CHECK(harness.store().events() == 2);
}

TEST_CASE("import: nothing behind a malformed line is read") {
    Harness harness;
    std::string input = event_line("s", 1) + event_line("s", 2) + event_line("s", 3) + "{}\n";
    for (int i = 5; i <= 31; ++i) {
        input += event_line("s", i);
    }
    const Ran ran = harness.run({"import", "--data", "d"}, input);
    CHECK(ran.status == 2);
    CHECK(ran.err ==
          "imported 3 events, 0 repeated, 1 failed, in 0.0 s\n"
          "skald: import: line 4: `stream` is missing\n");
    CHECK(harness.store().events() == 3);
}

TEST_CASE("import: a refused line stops it with its own exit status") {
    Harness harness;
    harness.store().fail_next("b", Error(Errc::fenced, "b: fenced"));
    const std::string input = event_line("a", 1) + event_line("b", 2);
    const Ran ran = harness.run({"import", "--receipts", "--json", "--data", "d"}, input);
    CHECK(ran.status == 4);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 2);
    CHECK(json::parse(lines[0])["stream"] == "a");
    CHECK(json::parse(lines[1])["error"] == "fenced");
    CHECK(json::parse(lines[1])["message"] == "line 2: b: fenced");
}

TEST_CASE("import: an error that is of no line is told once as well") {
    Harness harness;
    const Ran ran = harness.run({"import", "--receipts", "--json", "--data", "d"}, "\x1f\x8b\x08");
    CHECK(ran.status == 1);
    CHECK(ran.err ==
          "imported 0 events, 0 repeated, in 0.0 s\n"
          "skald: import: gzip input is broken: it ends too early\n");
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 1);
    CHECK(json::parse(lines[0])["error"] == "corrupt");
}

TEST_CASE("import: a line that is too long stops it, or is skipped") {
    const std::string input = event_line("a", 1) + std::string(3 * kLineBytesMax, ' ') + "\n" +
                              event_line("a", 3) + event_line("a", 4);
    Harness harness;
    const Ran stopped = harness.run({"import", "--data", "d"}, input);
    CHECK(stopped.status == 2);
    CHECK(stopped.err ==
          "imported 1 event, 0 repeated, 1 failed, in 0.0 s\n"
          "skald: import: line 2: longer than 2097152 bytes\n");
    const Ran skipped = harness.run({"import", "--on-error", "skip", "--data", "e"}, input);
    CHECK(skipped.status == 2);
    CHECK(skipped.err ==
          "skald: import: line 2: longer than 2097152 bytes\n"
          "imported 3 events, 0 repeated, 1 failed, in 0.0 s\n"
          "skald: import: 1 line was skipped: line 2: longer than 2097152 bytes\n");
    CHECK(harness.store("e").events() == 3);
}

TEST_CASE("import: input that breaks off is said even behind lines that were skipped") {
    // A stored block of one malformed line, and no more.
    const std::string packed("\x1f\x8b\x08\0\0\0\0\0\0\x03\0\x03\0\xfc\xff{}\n", 18);
    Harness harness;
    const Ran ran = harness.run({"import", "--on-error", "skip", "--data", "d"}, packed);
    CHECK(ran.status == 1);
    CHECK(ran.err ==
          "skald: import: line 1: `stream` is missing\n"
          "imported 0 events, 0 repeated, 1 failed, in 0.0 s\n"
          "skald: import: gzip input is broken: it ends too early; 1 line was skipped: line 1: "
          "`stream` is missing\n");
}

TEST_CASE("import: no more lines under way than a client holds") {
    Harness harness;
    CHECK(harness.run({"import", "--in-flight", "16385", "--data", "d"}).status == 2);
    CHECK(harness.run({"import", "--in-flight", "16384", "--data", "d"}).status == 0);
}

TEST_CASE("import: Ctrl-C within gzip input is an interruption, not broken input") {
    const TempDirectory directory;
    const std::string path = directory.path("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    Harness harness;
    harness.handle_signals = true;
    // It can be opened once the other end reads: the program runs by then.
    std::jthread writer([&path] {
        const int pipe = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        int unread = ::write(pipe, "\x1f\x8b\x08", 3) == 3 ? 3 : 0;
        while (unread != 0 && ::ioctl(pipe, FIONREAD, &unread) == 0) {
            std::this_thread::yield();
        }
        std::raise(SIGINT);
        ::close(pipe);
    });
    const Ran ran = harness.run({"import", path, "--data", "d"});
    CHECK(ran.status == 5);
    CHECK(ran.err.find("skald: import: interrupted: lines after 0") != std::string::npos);
}

TEST_CASE("import: --on-error skip goes on, tells each line, and is an error in the end") {
    Harness harness;
    const std::string input =
        event_line("a", 1) + "nonsense\n" + event_line("a", 2) + "{}\n" + event_line("a", 3);
    const Ran ran =
        harness.run({"import", "--on-error", "skip", "--receipts", "--data", "d"}, input);
    CHECK(ran.status == 2);
    CHECK(ran.err ==
          "skald: import: line 2: not a JSON object\n"
          "skald: import: line 4: `stream` is missing\n"
          "imported 3 events, 0 repeated, 2 failed, in 0.0 s\n"
          "skald: import: 2 lines were skipped; the first: line 2: not a JSON object\n");
    CHECK(lines_of(ran.out).size() == 5);
    CHECK(harness.store().events() == 3);
}

TEST_CASE("import: a file that is not there") {
    Harness harness;
    const Ran ran = harness.run({"import", "/none.ndjson", "--data", "d"});
    CHECK(ran.status == 3);
    CHECK(ran.err == "skald: import: /none.ndjson: No such file or directory\n");
}

TEST_CASE("import: takes back what export gave") {
    Harness harness;
    harness.run({"import", "--data", "a"}, event_line("x-1", 1) + event_line("y-1", 2));
    const Ran exported = harness.run({"export", "--data", "a"});
    REQUIRE(exported.status == 0);
    CHECK(harness.run({"import", "--data", "b"}, exported.out).status == 0);
    const auto before = lines_of(exported.out);
    const auto after = lines_of(harness.run({"export", "--data", "b"}).out);
    REQUIRE(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(json::parse(before[i])["id"] == json::parse(after[i])["id"]);
        CHECK(json::parse(before[i])["data"] == json::parse(after[i])["data"]);
    }
}

TEST_CASE("append_pipeline: waits for a store whose own queue is full") {
    NarrowStore store;
    std::vector<std::uint64_t> tags;
    {
        AppendPipeline pipeline(store, 100, [&tags](const std::vector<Outcome>& known) {
            for (const Outcome& outcome : known) {
                CHECK(outcome.result);
                tags.push_back(outcome.tag);
            }
        });
        for (std::uint64_t tag = 0; tag < 10; ++tag) {
            NewEvent event;
            event.type = "T";
            while (!pipeline.submit(tag, Append::one("s", event))) {
            }
        }
        while (store.holds()) {
            store.answer();
        }
    }
    CHECK(store.refused() == 8);
    CHECK(tags.size() == 10);
    CHECK(std::is_sorted(tags.begin(), tags.end()));
    CHECK(store.events() == 10);
}

TEST_CASE("append_pipeline: counts an append for at least what it takes on its way") {
    NewEvent bare;
    bare.type = "T";
    NewEvent full = bare;
    full.data = std::string(1000, 'x');
    full.content_type = "text/plain";
    full.id = Uuid{};
    full.time = Time{1};
    full.schema_version = full.key_id = full.hop = 7;
    full.correlation_id = full.causation_id = full.command_id = full.trace_context =
        std::string(255, 'c');
    full.tags = std::vector<std::string>(64, "t");
    for (int i = 0; i < 400; ++i) {
        full.metadata.emplace_back("k", std::string(40, 'v'));
    }
    for (const NewEvent& event : {bare, full}) {
        const Append append = Append::one("s", event);
        wire::IdSource ids;
        const auto encoded = wire::encode_request(append, ids);
        REQUIRE(encoded);
        CHECK(bytes_of(append) >= encoded->bytes.size());
        CHECK(bytes_of(append) <= encoded->bytes.size() + 4096);
    }
}

TEST_CASE("append_pipeline: bounded by bytes too, and a large one goes alone") {
    SmallStore store;
    std::vector<std::uint64_t> tags;
    {
        AppendPipeline pipeline(store, 1000, [&tags](const std::vector<Outcome>& known) {
            for (const Outcome& outcome : known) {
                CHECK(outcome.result.has_value() == (outcome.tag % 2 == 0));
                tags.push_back(outcome.tag);
            }
        });
        for (std::uint64_t tag = 0; tag < 40; ++tag) {
            if (tag % 2 == 1) {
                pipeline.reject(tag, Error(Errc::malformed, "no"));
                continue;
            }
            NewEvent event;
            event.type = "T";
            event.data = std::string(1 << 20, 'x');
            CHECK(pipeline.submit(tag, Append::one("s", std::move(event))));
        }
    }
    REQUIRE(tags.size() == 40);
    CHECK(std::is_sorted(tags.begin(), tags.end()));
}

}  // namespace skald::cli
