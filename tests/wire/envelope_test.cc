#include "wire/envelope.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/limits.h"
#include "tests/wire/frame.h"

namespace skald::wire {
namespace {

Position some_position() {
    Position position;
    position.cluster.bytes[0] = 7;
    PartitionPosition place;
    place.partition = Partition{3};
    place.lineage.bytes[15] = 9;
    place.epoch = Epoch{2};
    place.next = Offset{1234};
    place.digest = 0xabcdef01;
    position.partitions.push_back(place);
    return position;
}

LogState some_log() {
    LogState state{Uuid{{1}}, 1000, {}};
    for (std::uint64_t i = 0; i < 3; ++i) {
        PartitionState partition;
        partition.meta.lineages = {{Uuid{{2}}, Offset{0}}, {Uuid{{3}}, Offset{10 + i}}};
        partition.meta.epoch = Epoch{4};
        partition.meta.start = Offset{5};
        partition.meta.start_chain = {6, 7, 8};
        partition.meta.lifecycle = i == 1;
        partition.high_watermark = Offset{100 + i};
        state.partitions.push_back(partition);
    }
    return state;
}

template <typename Message>
Message over_the_wire_from_client(const Message& message) {
    EnvelopeEncoder encoder;
    const Frame frame(encoder.encode(msg::FromClient(message)));
    auto decoded = decode_from_client(frame.bytes());
    REQUIRE(decoded);
    return std::get<Message>(*decoded);
}

template <typename Message>
Message over_the_wire_from_node(const Message& message) {
    EnvelopeEncoder encoder;
    const Frame frame(encoder.encode(msg::FromNode(message)));
    auto decoded = decode_from_node(frame.bytes());
    REQUIRE(decoded);
    return std::get<Message>(*decoded);
}

// The indented blocks of hexadecimal in the last section of docs/protocol.md.
std::vector<Frame> worked_example() {
    std::ifstream document(SKALD_PROTOCOL);
    std::vector<std::string> blocks;
    bool found = false;
    bool open = false;
    for (std::string line; std::getline(document, line);) {
        found = found || line.starts_with("## 15. Worked example");
        const bool block = found && line.starts_with("    ");
        if (block && !open) {
            blocks.emplace_back();
        }
        open = block;
        for (const char c : block ? line : std::string()) {
            if (c != ' ') {
                blocks.back() += c;
            }
        }
    }
    std::vector<Frame> frames;
    for (const std::string& hex : blocks) {
        std::string bytes;
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
            bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
        }
        frames.emplace_back(as_bytes(bytes));
    }
    return frames;
}

std::vector<Frame> one_of_each() {
    EnvelopeEncoder e;
    std::vector<Frame> frames;
    const std::string request(100, 'r');
    frames.emplace_back(e.encode(msg::Append{5, 4, 5, Partition{1}, as_bytes(request)}));
    Selection selection = Selection::matching({{{{"a"}, {"t"}}, {{}, {"u", "v"}}}});
    selection.types = {"x*"};
    for (const msg::FromClient& m : std::vector<msg::FromClient>{
             msg::Hello{}, msg::Read{9, {selection, some_position(), false, 10, 1000}},
             msg::Subscribe{10, selection, Version{3}, true, 5, 6, true}, msg::GetStream{1, "s"},
             msg::PublishEphemeral{11},
             msg::ChangeStream{1, 0, 0, Partition{}, {"s", Expected::exact(3u), SetLimits{}}},
             msg::ListStreams{1, "*", "b", 5},
             msg::FetchLog{1, Partition{2}, Offset{3}, Offset{4}, 5},
             msg::FetchProducers{1, Partition{2}, std::string("p\0q", 3), 5},
             msg::Scavenge{1, Uuid{{9}}}, msg::Serve{1, "sum", Balance::weighted, 3, 4},
             msg::Unserve{1, 2}, msg::Request{1, "sum", 500},
             msg::Respond{1, Error(Errc::busy, "no")}}) {
        frames.emplace_back(e.encode(m));
    }
    msg::ReceiptRange range;
    range.count = 2;
    range.versions = {1, 5};
    Error error(Errc::wrong_expected_version, "no");
    error.conflicts.push_back({"s", "none", 4});
    for (const msg::FromNode& m : std::vector<msg::FromNode>{
             msg::Welcome{}, msg::Receipts{{range, range}}, msg::Rejected{1, Partition{2}, error},
             msg::Page{1, {{}}, some_position(), some_position(), true},
             msg::Deliver{1, {{}, {}}, some_position()}, msg::Ephemeral{1}, msg::Dropped{1, 2},
             msg::Ended{1, error, some_position()}, msg::StreamListAnswer{1, {{StreamInfo{}}, "n"}},
             msg::LogAnswer{1, some_log()}, msg::LogProducers{1, Offset{5}, "next"},
             msg::ScavengeAnswer{1, true, 2, 3, {}}, msg::Call{1, 2, 3}, msg::Reply{1}}) {
        frames.emplace_back(e.encode(m));
    }
    return frames;
}

}  // namespace

TEST_CASE("envelope: an append comes back with its request", "[wire]") {
    const std::string request(333, 'r');
    EnvelopeEncoder encoder;
    const Frame frame(encoder.encode(msg::Append{17, 12, 15, Partition{4}, as_bytes(request)}));
    auto decoded = decode_from_client(frame.bytes());
    REQUIRE(decoded);
    const auto& append = std::get<msg::Append>(*decoded);
    CHECK(append.id == 17);
    CHECK(append.resolved_below == 12);
    CHECK(append.after == 15);
    CHECK(append.partition == Partition{4});
    CHECK(as_text(append.request) == request);
    CHECK(aligned(append.request));
}

TEST_CASE("envelope: what a client sends comes back", "[wire]") {
    msg::Hello hello;
    hello.producer.bytes[3] = 5;
    hello.producer_epoch = Epoch{7};
    hello.client = "name";
    hello.credit_bytes = 1000;
    CHECK(over_the_wire_from_client(hello) == hello);

    Selection selection = Selection::matching({{{{"a", "b"}, {"t"}}}});
    selection.streams = {"s-*"};
    selection.system = true;
    const auto read = over_the_wire_from_client(
        msg::Read{msg::kFirstPlainId, {selection, AtTime{Time{-5}}, true, 12, 13}});
    CHECK(read.read.selection.query == selection.query);
    CHECK(read.read.selection.streams == selection.streams);
    CHECK(read.read.selection.system);
    CHECK(std::get<AtTime>(read.read.start).time == Time{-5});
    CHECK(read.read.backward);

    const msg::FetchLog fetch{2, Partition{3}, Offset{4}, Offset{~std::uint64_t{0}}, 5};
    CHECK(over_the_wire_from_client(fetch) == fetch);
    const auto producers =
        over_the_wire_from_client(msg::FetchProducers{2, Partition{3}, std::string("p\0q", 3), 5});
    CHECK(producers.partition == Partition{3});
    CHECK(producers.after == std::string("p\0q", 3));
    CHECK(over_the_wire_from_client(msg::Scavenge{2, Uuid{{9}}}).run == Uuid{{9}});
    const auto subscribe =
        over_the_wire_from_client(msg::Subscribe{1, selection, End{}, true, 2, 3, true});
    CHECK(subscribe.exclusive);
    CHECK(subscribe.ephemeral);
    CHECK(over_the_wire_from_client(msg::PublishEphemeral{5}).id == 5);

    const msg::Serve serve{1, "sum", Balance::least_outstanding, 7, 9};
    CHECK(over_the_wire_from_client(serve) == serve);
    CHECK(over_the_wire_from_client(msg::Unserve{1, 5}).worker == 5);
    const msg::Request asked{1, "sum", 250};
    CHECK(over_the_wire_from_client(asked) == asked);
    CHECK_FALSE(over_the_wire_from_client(msg::Respond{8, std::nullopt}).error);
    const auto failed = over_the_wire_from_client(msg::Respond{8, Error(Errc::busy, "later")});
    CHECK(failed.number == 8);
    CHECK(failed.error == Error(Errc::busy, "later"));

    const auto change = over_the_wire_from_client(msg::ChangeStream{
        1, 0, 1, Partition{}, {"s", Expected::exact(std::uint64_t{9}), DeleteStream{true}}});
    CHECK(change.lifecycle.expected == Expected::exact(std::uint64_t{9}));
    CHECK(std::get<DeleteStream>(change.lifecycle.change).hard);
}

TEST_CASE("envelope: what a node sends comes back", "[wire]") {
    msg::ReceiptRange range;
    range.first_id = 100;
    range.count = 3;
    range.records = 1;
    range.offset = Offset{50};
    range.offset_step = 1;
    range.versions = {4, 9, 11};
    range.epoch = Epoch{1};
    range.digest = 77;
    range.repeated = true;
    CHECK(over_the_wire_from_node(msg::Receipts{{range}}).ranges.at(0) == range);

    Error error(Errc::log_truncated, "gone");
    error.offset = 5;
    error.conflicts.push_back({"s", "exists", -1});
    CHECK(over_the_wire_from_node(msg::Rejected{3, Partition{1}, error}).error == error);
    CHECK(over_the_wire_from_node(msg::Ephemeral{8}).subscription == 8);
    const auto dropped = over_the_wire_from_node(msg::Dropped{8, 9});
    CHECK(dropped.subscription == 8);
    CHECK(dropped.events == 9);
    const auto call = over_the_wire_from_node(msg::Call{3, 4, 5});
    CHECK(call.worker == 3);
    CHECK(call.number == 4);
    CHECK(call.left_ms == 5);
    CHECK(over_the_wire_from_node(msg::Reply{6}).id == 6);
    CHECK(over_the_wire_from_node(msg::CaughtUp{3, some_position()}).position == some_position());

    CHECK(over_the_wire_from_node(msg::LogAnswer{3, some_log()}).state == some_log());
    const auto rows =
        over_the_wire_from_node(msg::LogProducers{3, Offset{5}, std::string("p\0q", 3)});
    CHECK(rows.covered == Offset{5});
    CHECK(rows.next == std::string("p\0q", 3));
    const ScavengeReport report{1, 2, 3, 4, 5, 6, 7};
    const auto scavenge = over_the_wire_from_node(msg::ScavengeAnswer{3, true, 8, 9, report});
    CHECK(scavenge.running);
    CHECK(scavenge.done == 8);
    CHECK(scavenge.total == 9);
    CHECK(scavenge.report == report);

    StreamInfo info;
    info.name = "s";
    info.state = StreamState::deleted;
    info.last = Version{0};
    info.limits.max_age = std::chrono::seconds(5);
    const auto answer = over_the_wire_from_node(msg::StreamAnswer{3, info});
    CHECK(answer.info.last == Version{0});
    CHECK_FALSE(answer.info.first);
    CHECK(answer.info.limits == info.limits);
}

TEST_CASE("envelope: a message of the other side is malformed", "[wire]") {
    EnvelopeEncoder encoder;
    const Frame welcome(encoder.encode(msg::FromNode(msg::Welcome{})));
    CHECK(decode_from_client(welcome.bytes()).error().code == Errc::malformed);
    const Frame hello(encoder.encode(msg::FromClient(msg::Hello{})));
    CHECK(decode_from_node(hello.bytes()).error().code == Errc::malformed);
}

TEST_CASE("envelope: an error takes no more memory than its bounds", "[wire]") {
    EnvelopeEncoder encoder;
    Error error(Errc::busy, std::string(500'000, 'x'));
    error.conflicts.resize(2, {std::string(100'000, 's'), std::string(100'000, 'e'), {}});
    const auto respond = [&] {
        const Frame frame(encoder.encode(msg::FromClient(msg::Respond{1, error})));
        return decode_from_client(frame.bytes());
    };
    const auto message = respond();
    REQUIRE(message);
    const Error& decoded = *std::get<msg::Respond>(*message).error;
    CHECK(decoded.message.size() <= limits::kErrorTextBytesMax + 1);
    CHECK(decoded.conflicts.at(0).stream.size() <= limits::kStreamNameBytesMax + 1);
    CHECK(decoded.conflicts.at(1).expected.size() < 1000);
    error.conflicts.assign(limits::kErrorConflictsMax, {"s", "e", {}});
    CHECK(respond());
    error.conflicts.push_back({"s", "e", {}});
    CHECK(respond().error().code == Errc::malformed);
}

TEST_CASE("envelope: cut short anywhere it is refused", "[wire]") {
    for (const Frame& frame : one_of_each()) {
        for (std::size_t n = 0; n < frame.bytes().size(); ++n) {
            // Only bytes that do not matter may be missing: zeros at the very end of the data.
            (void)decode_from_client(frame.bytes().first(n));
            (void)decode_from_node(frame.bytes().first(n));
        }
        CHECK_FALSE(decode_from_client(frame.bytes().first(frame.bytes().size() / 2)));
        CHECK_FALSE(decode_from_node(frame.bytes().first(frame.bytes().size() / 2)));
    }
}

TEST_CASE("envelope: any flipped byte is survived", "[wire]") {
    for (Frame& frame : one_of_each()) {
        for (std::size_t i = 0; i < frame.bytes().size(); ++i) {
            frame.flip(i);
            (void)decode_from_client(frame.bytes());
            (void)decode_from_node(frame.bytes());
            frame.flip(i);
        }
    }
}

TEST_CASE("envelope: the worked example of the document decodes", "[wire][golden]") {
    const std::vector<Frame> frames = worked_example();
    REQUIRE(frames.size() == 5);

    auto hello = decode_from_client(frames[0].bytes());
    REQUIRE(hello);
    msg::Hello expected;
    for (std::uint8_t i = 0; i < 16; ++i) {
        expected.producer.bytes[i] = i;
    }
    expected.client = "demo";
    expected.features = 0;
    CHECK(std::get<msg::Hello>(*hello) == expected);

    auto receipts = decode_from_node(frames[1].bytes());
    REQUIRE(receipts);
    msg::ReceiptRange range;
    range.first_id = 7;
    range.count = 3;
    range.records = 1;
    range.offset = Offset{100};
    range.offset_step = 1;
    range.version = Version{4};
    range.version_step = 1;
    range.epoch = Epoch{1};
    range.digest = 0x01020304;
    CHECK(std::get<msg::Receipts>(*receipts).ranges.at(0) == range);

    auto heartbeat = decode_from_client(frames[2].bytes());
    REQUIRE(heartbeat);
    CHECK(std::get<msg::Heartbeat>(*heartbeat).number == 2);

    auto fetch = decode_from_client(frames[3].bytes());
    REQUIRE(fetch);
    const msg::FetchLog wanted{msg::kFirstPlainId + 5, Partition{1}, Offset{100}, Offset{200},
                               1 << 20};
    CHECK(std::get<msg::FetchLog>(*fetch) == wanted);

    auto dropped = decode_from_node(frames[4].bytes());
    REQUIRE(dropped);
    CHECK(std::get<msg::Dropped>(*dropped).subscription == msg::kFirstPlainId + 2);
    CHECK(std::get<msg::Dropped>(*dropped).events == 5);

    EnvelopeEncoder encoder;
    CHECK(as_text(encoder.encode(msg::FromClient(expected))) == as_text(frames[0].bytes()));
    CHECK(as_text(encoder.encode(*fetch)) == as_text(frames[3].bytes()));
    CHECK(as_text(encoder.encode(*dropped)) == as_text(frames[4].bytes()));
}

}  // namespace skald::wire
