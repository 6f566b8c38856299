// A node's services of consumers as a test plays them: it takes each request and says what becomes
// of it.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "skald/services.h"
#include "tests/wire/frame.h"
#include "wire/batch_builder.h"
#include "wire/consumer_messages.h"

namespace skald::client {

// Nothing takes as long; a test that waits for it has failed.
inline constexpr std::chrono::seconds kLong(30);

class FakeServices final : public Services {
  public:
    struct Asked {
        std::string service;
        wire::MemberRequest request;
        std::chrono::milliseconds time{0};
        std::function<void(Result<std::string>)> answer;
    };

    Result<std::string> request(std::string_view name, std::string payload,
                                std::chrono::milliseconds) override {
        const std::lock_guard lock(mutex_);
        service_ = name;
        payload_ = std::move(payload);
        ++replied_;
        come_.notify_all();
        if (lost_ != 0) {
            --lost_;
            return Error(Errc::outcome_unknown, "the connection was lost");
        }
        return reply_;
    }
    void begin_request(std::string_view name, std::string payload, std::chrono::milliseconds time,
                       std::function<void(Result<std::string>)> answer) override {
        const wire::Frame frame(as_bytes(payload));
        auto request = wire::decode_member_request(frame.bytes());
        const std::lock_guard lock(mutex_);
        asked_.push_back({std::string(name), request.value(), time, std::move(answer)});
        come_.notify_all();
    }
    Result<std::unique_ptr<Serving>> serve(std::string_view, ServiceHandler,
                                           const ServeOptions&) override {
        return Error(Errc::not_ready, "nobody serves here");
    }
    Result<std::vector<std::string>> names(std::string_view, std::chrono::milliseconds) override {
        return std::vector<std::string>();
    }

    // What blocking requests are answered from now on, and the last of them.
    void reply(Result<std::string> reply) {
        const std::lock_guard lock(mutex_);
        reply_ = std::move(reply);
    }
    // The answers to so many of them get lost.
    void lose(int replies) {
        const std::lock_guard lock(mutex_);
        lost_ = replies;
    }
    int replied() {
        const std::lock_guard lock(mutex_);
        return replied_;
    }
    // So many of them have been answered.
    void await_replies(int replies) {
        std::unique_lock lock(mutex_);
        REQUIRE(come_.wait_for(lock, kLong, [&] { return replied_ >= replies; }));
    }
    const std::string& last_service() const { return service_; }
    const std::string& last_payload() const { return payload_; }

    // The next request of the kind, once it is there.
    Asked take(wire::MemberVerb verb) {
        std::unique_lock lock(mutex_);
        auto found = asked_.end();
        const bool come = come_.wait_for(lock, kLong, [&] {
            found = std::find_if(asked_.begin(), asked_.end(),
                                 [&](const Asked& a) { return a.request.verb == verb; });
            return found != asked_.end();
        });
        REQUIRE(come);
        Asked asked = std::move(*found);
        asked_.erase(found);
        return asked;
    }
    // How many of the kind nobody took.
    std::size_t untaken(wire::MemberVerb verb) {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(
            asked_.begin(), asked_.end(), [&](const Asked& a) { return a.request.verb == verb; }));
    }

  private:
    std::mutex mutex_;
    std::condition_variable come_;
    std::deque<Asked> asked_;  // guarded by mutex_, like the rest
    Result<std::string> reply_ = std::string();
    std::string service_;
    std::string payload_;
    int replied_ = 0;
    int lost_ = 0;
};

// The answer to a join.
inline std::string number_of_member(std::uint64_t member, ConsumerMode mode = ConsumerMode::shared,
                                    std::string key = {}) {
    wire::MemberReply reply;
    reply.member = member;
    reply.mode = mode;
    reply.key = std::move(key);
    return wire::encode(reply);
}

struct Sent {
    std::uint64_t offset = 0;
    std::string stream;
    std::uint32_t attempt = 1;
    Metadata metadata = {};
};
// The answer to a fetch: these events of partition 0, each in a batch of its own, given when the
// node knew of the answers up to `answered`.
inline std::string page_of(const std::vector<Sent>& events, std::uint64_t term = 0,
                           std::uint64_t answered = 0) {
    wire::MemberReply reply;
    reply.term = term;
    reply.answered = answered;
    std::vector<std::string> batches;
    batches.reserve(events.size());
    for (const Sent& sent : events) {
        NewEvent event;
        event.type = "t";
        event.data = std::to_string(sent.offset);
        event.metadata = sent.metadata;
        wire::IdSource ids;
        const std::string request =
            wire::encode_request(Append::one(sent.stream, std::move(event)), ids).value().bytes;
        wire::BatchBuilder builder;
        builder.begin(Epoch{1}, Offset{sent.offset}, {});
        const Version version;
        builder.add(wire::RequestView::open(as_bytes(request)).value(), {&version, 1}, nullptr);
        batches.push_back(builder.finish(Offset{sent.offset}, 1));
        reply.heads.push_back({Partition{0}, 1, Offset{sent.offset}, Offset{sent.offset + 1}});
        reply.slices.push_back(as_bytes(batches.back()));
        reply.attempts.push_back(sent.attempt);
    }
    return wire::encode(reply);
}

}  // namespace skald::client
