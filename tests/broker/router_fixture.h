// A routing core for tests: its clock and volume are in the test's hands.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <iterator>
#include <utility>

#include "broker/router.h"
#include "tests/broker/fake_volume.h"
#include "wire/envelope.h"

namespace skald::broker {

using namespace std::chrono_literals;
namespace msg = wire::msg;

class NoListener final : public store::AppendListener {
  public:
    void on_outcome(std::uint64_t, const Result<store::AppendOutcome>&) override {}
    void on_commit(const store::CommitTimes&) override {}
};

// A router, its clock in the test's hands, and what it wants sent.
class RouterFixture {
  public:
    explicit RouterFixture(NodeLimits limits = {}, std::vector<Permission> permissions = {})
        : router_({volume_, listener_, limits, std::move(permissions),
                   [this](PeerId peer) {
                       const auto own = rooms_.find(peer);
                       return own == rooms_.end() ? room_ : own->second;
                   },
                   scavenges_},
                  now_) {}

    void say(PeerId peer, const msg::FromClient& message, std::string_view body = {}) {
        deliver(peer, encoder_.encode(message), body);
    }
    void noise(PeerId peer) { deliver(peer, as_bytes("what is this, then?"), {}); }
    void hello(PeerId peer, std::uint8_t producer = 1, const std::string& key = "") {
        msg::Hello hello;
        hello.producer.bytes[0] = producer;
        deliver(peer, encoder_.encode(msg::FromClient(hello)), {}, key);
    }
    void append(PeerId peer, std::uint64_t id, std::uint64_t after,
                const std::string& stream = "s") {
        NewEvent event;
        event.type = "t";
        auto request = wire::encode_request(Append::one(stream, std::move(event)), ids_);
        REQUIRE(request);
        say(peer, msg::Append{id, 0, after, Partition{}, as_bytes(request->bytes)});
    }
    void publish(PeerId peer, std::uint64_t id, const std::string& stream = "s",
                 const std::string& data = "") {
        NewEvent event;
        event.type = "t";
        event.data = data;
        publish(peer, id, Append::one(stream, std::move(event)));
    }
    void publish(PeerId peer, std::uint64_t id, const Append& request) {
        const auto encoded = wire::encode_request(request, ids_);
        REQUIRE(encoded);
        say(peer, msg::PublishEphemeral{id}, encoded->bytes);
    }
    // As a store in this process hands it over.
    store::EphemeralEvent ephemeral(const std::string& stream, const std::string& data) {
        NewEvent event;
        event.type = "t";
        event.data = data;
        const auto encoded = wire::encode_request(Append::one(stream, std::move(event)), ids_);
        REQUIRE(encoded);
        auto made = volume().ephemeral().make(*wire::RequestView::open(as_bytes(encoded->bytes)));
        REQUIRE(made);
        return *made;
    }
    // A subscription to all that asks for ephemeral events, and is live after the next pump().
    void follow(PeerId peer, std::uint64_t id, std::uint64_t events = 100,
                std::uint64_t bytes = limits::kMiB) {
        say(peer, msg::Subscribe{id, {}, Beginning{}, false, events, bytes, true});
    }
    // Several in one message; `bytes` changes the requests.
    void append_together(
        PeerId peer, std::uint64_t id, std::uint32_t count,
        const std::function<void(std::string&)>& change = [](std::string&) {}) {
        std::string requests;
        for (std::uint32_t i = 0; i < count; ++i) {
            NewEvent event;
            event.type = "t";
            auto request = wire::encode_request(Append::one("s", std::move(event)), ids_);
            REQUIRE(request);
            requests.resize(align8(requests.size()));
            requests += request->bytes;
        }
        change(requests);
        say(peer, msg::Append{id, 0, id, Partition{}, {}, count}, requests);
    }
    // Everything submitted and not yet decided ends well, in one commit.
    void commit() {
        OutcomeBatch batch;
        for (const store::Submission& submission : submitted_) {
            Outcome outcome;
            outcome.tag = submission.tag;
            outcome.value.records = 1;
            outcome.value.offset = Offset{offset_++};
            batch.outcomes.push_back(std::move(outcome));
        }
        submitted_.clear();
        batch.commits.push_back({batch.outcomes.size(), {}});
        router_.decided(batch, now_, effects_);
        take();
    }
    void tick(Monotonic time) {
        now_ += time;
        router_.tick(now_, effects_);
        take();
    }
    bool pump(const std::function<bool()>& late = [] { return false; }) {
        const bool more = router_.pump(effects_, late);
        take();
        return more;
    }

    template <typename Message>
    std::vector<Message> sent(PeerId peer) {
        std::vector<Message> found;
        for (const Outgoing& outgoing : sent_) {
            const auto* message = std::get_if<Message>(&outgoing.message);
            if (outgoing.peer == peer && message != nullptr) {
                found.push_back(*message);
            }
        }
        return found;
    }
    std::optional<Errc> refusal(PeerId peer) {
        const auto refused = sent<msg::Rejected>(peer);
        return refused.empty() ? std::nullopt : std::optional(refused.back().error.code);
    }
    void forget() { sent_.clear(); }
    const std::vector<Outgoing>& sent_messages() const { return sent_; }
    const std::vector<Outgoing>& all_sent() const { return sent_; }
    Router& router() { return router_; }
    FakeVolume& volume() { return volume_; }
    std::vector<store::Submission>& submitted() { return submitted_; }
    void set_room(std::size_t bytes) { room_ = bytes; }
    void set_room_of(PeerId peer, std::size_t bytes) { rooms_[peer] = bytes; }
    std::size_t bytes_sent() const {
        std::size_t bytes = 0;
        for (const Outgoing& outgoing : sent_) {
            for (const Frame& body : outgoing.bodies) {
                bytes += body->size();
            }
        }
        return bytes;
    }
    // What other threads were asked for.
    std::size_t run_jobs() {
        std::vector<Job> jobs = std::exchange(router_.jobs(), {});
        for (Job& job : jobs) {
            router_.finish({job.peer, job.serial, job.bytes, job.run()}, effects_);
        }
        take();
        return jobs.size();
    }

  private:
    void deliver(PeerId peer, Bytes envelope, std::string_view body, const std::string& key = "") {
        std::vector<Arrival> arrivals(1);
        arrivals[0].peer = peer;
        arrivals[0].key = key;
        arrivals[0].envelope = router_.arena().copy(envelope);
        if (!body.empty()) {
            arrivals[0].body = router_.arena().copy(as_bytes(body));
            arrivals[0].frames = 2;
        }
        router_.receive(arrivals, {now_, now_, {}}, effects_);
        router_.submitted(now_);
        take();
    }
    void take() {
        submitted_.insert(submitted_.end(), effects_.submissions.begin(),
                          effects_.submissions.end());
        std::move(effects_.sends.begin(), effects_.sends.end(), std::back_inserter(sent_));
        effects_.clear();
    }

    Monotonic now_{100s};
    std::size_t room_ = 16 * limits::kMiB;
    std::map<PeerId, std::size_t> rooms_;
    FakeVolume volume_;
    NoListener listener_;
    ScavengeRunner scavenges_{volume_};
    Router router_;
    Effects effects_;
    wire::EnvelopeEncoder encoder_;
    wire::IdSource ids_;
    std::vector<Outgoing> sent_;
    std::vector<store::Submission> submitted_;
    std::uint64_t offset_ = 0;
};

inline store::Step one_chunk(std::uint64_t first, std::uint32_t events, bool end,
                             std::size_t bytes = 100) {
    store::Chunk chunk;
    chunk.frame = std::make_shared<const std::string>(bytes, 'c');
    chunk.events = events;
    chunk.first = Offset{first};
    chunk.next = Offset{first + events};
    return {{chunk}, end};
}

}  // namespace skald::broker
