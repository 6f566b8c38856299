#include "tests/contract/fixture.h"

#include <algorithm>

namespace skald::contract {
namespace {

constexpr auto kDeadline = std::chrono::seconds(60);

std::string describe(const Error& error) {
    return std::string(name_of(error.code)) + ": " + error.message;
}

std::vector<std::string> types_of(const std::vector<Event>& events) {
    std::vector<std::string> types;
    types.reserve(events.size());
    for (const Event& event : events) {
        types.push_back(event.type);
    }
    return types;
}

}  // namespace

Receipt Fixture::append(const std::string& stream, const std::vector<std::string>& types,
                        Expected expected) {
    return append(append_of(stream, types, expected));
}

Receipt Fixture::append(const Append& request) {
    const auto receipt = store_->append(request);
    INFO((receipt ? "" : describe(receipt.error())));
    REQUIRE(receipt);
    return *receipt;
}

Error Fixture::refused(Append request) {
    const auto receipt = store_->append(request);
    REQUIRE_FALSE(receipt);
    return receipt.error();
}

Receipt Fixture::change(const std::string& stream, LifecycleChange change, Expected expected) {
    const auto receipt = store_->change_stream({stream, expected, std::move(change)});
    INFO((receipt ? "" : describe(receipt.error())));
    REQUIRE(receipt);
    return *receipt;
}

Error Fixture::change_refused(const Lifecycle& request) {
    const auto receipt = store_->change_stream(request);
    REQUIRE_FALSE(receipt);
    return receipt.error();
}

Uuid Fixture::publish(const std::string& stream, NewEvent event) {
    const auto id = store_->publish_ephemeral(stream, std::move(event));
    INFO((id ? "" : describe(id.error())));
    REQUIRE(id);
    return *id;
}

Page Fixture::read(const Read& request) {
    auto page = store_->read(request);
    INFO((page ? "" : describe(page.error())));
    REQUIRE(page);
    return std::move(*page);
}

Errc Fixture::read_error(const Read& request) {
    const auto page = store_->read(request);
    REQUIRE_FALSE(page);
    return page.error().code;
}

std::vector<Event> Fixture::read_all(const Selection& selection, Start start, bool backward,
                                     std::uint32_t limit) {
    Read request = read_of(selection, std::move(start));
    request.backward = backward;
    request.limit = limit;
    std::vector<Event> all;
    for (int pages = 0;; ++pages) {
        REQUIRE(pages < 10'000);
        const Page page = read(request);
        REQUIRE(page.events.size() <= limit);
        for (const EventView& view : page.events) {
            all.emplace_back(view);
        }
        if (page.end) {
            return all;
        }
        request.start = page.resume;
    }
}

std::vector<std::string> Fixture::types(const Selection& selection, Start start, bool backward,
                                        std::uint32_t limit) {
    return types_of(read_all(selection, std::move(start), backward, limit));
}

StreamInfo Fixture::info(const std::string& stream) {
    const auto info = store_->stream_info(stream);
    REQUIRE(info);
    return *info;
}

Position Fixture::position() {
    const auto position = store_->position();
    REQUIRE(position);
    return *position;
}

std::string own(const std::string& name) {
    return name + "-{7}";
}

NewEvent event(std::string type, std::string data) {
    NewEvent made;
    made.type = std::move(type);
    made.data = std::move(data);
    return made;
}

Uuid uuid(std::uint8_t id) {
    Uuid made;
    made.bytes[0] = 0xfe;
    made.bytes[15] = id;
    return made;
}

NewEvent event_with_id(std::string type, std::uint8_t id) {
    NewEvent made = event(std::move(type));
    made.id = uuid(id);
    return made;
}

std::vector<NewEvent> events(const std::vector<std::string>& types) {
    std::vector<NewEvent> made;
    for (const std::string& type : types) {
        made.push_back(event(type));
    }
    return made;
}

Append append_of(const std::string& stream, const std::vector<std::string>& types,
                 Expected expected) {
    return Append::many(stream, events(types), expected);
}

Read read_of(Selection selection, Start start) {
    Read read;
    read.selection = std::move(selection);
    read.start = std::move(start);
    return read;
}

Read backward(Read read) {
    read.backward = true;
    return read;
}

std::pair<std::string, std::string> apart(Fixture& fixture) {
    const std::string first = "apart0";
    const Partition own = fixture.info(first).partition;
    for (int i = 1; i < 1000; ++i) {
        const std::string other = "apart" + std::to_string(i);
        if (fixture.info(other).partition != own) {
            return {first, other};
        }
    }
    FAIL("no two streams are in different partitions");
    return {};
}

void Recorder::on_events(const Delivery& delivery) {
    if (during) {
        during(delivery);
    }
    {
        const std::scoped_lock lock(mutex_);
        for (const EventView& view : delivery.events) {
            events_.emplace_back(view);
        }
        positions_.push_back(delivery.position);
        newest_ = delivery.position;
    }
    changed_.notify_all();
}

void Recorder::on_checkpoint(const Checkpoint& checkpoint) {
    {
        const std::scoped_lock lock(mutex_);
        newest_ = checkpoint.position;
        ++checkpoints_;
    }
    changed_.notify_all();
}

void Recorder::on_caught_up(const CaughtUp&) {
    {
        const std::scoped_lock lock(mutex_);
        ++caught_up_;
    }
    changed_.notify_all();
}

void Recorder::on_ephemeral(const EventView& event) {
    if (during_ephemeral) {
        during_ephemeral(event);
    }
    {
        const std::scoped_lock lock(mutex_);
        ephemeral_.emplace_back(event);
    }
    changed_.notify_all();
}

void Recorder::on_dropped(std::uint64_t events) {
    {
        const std::scoped_lock lock(mutex_);
        dropped_ += events;
    }
    changed_.notify_all();
}

void Recorder::on_ended(const Error& reason, const Position& position) {
    {
        const std::scoped_lock lock(mutex_);
        ended_ = reason;
        ended_at_ = position;
    }
    changed_.notify_all();
    if (at_end) {
        at_end();
    }
}

void Recorder::wait(const char* what, const std::function<bool()>& reached) {
    std::unique_lock lock(mutex_);
    const bool in_time = changed_.wait_for(lock, kDeadline, reached);
    const std::string ended = ended_ ? "ended: " + describe(*ended_) : "not ended";
    const std::size_t seen = events_.size();
    lock.unlock();
    INFO("waited for " << what << "; " << seen << " events seen, " << ended);
    REQUIRE(in_time);
}

void Recorder::wait_for_events(std::size_t count) {
    wait("events", [&] { return events_.size() >= count; });
}

void Recorder::wait_for_ephemeral(std::size_t count) {
    wait("ephemeral events", [&] { return ephemeral_.size() + dropped_ >= count; });
}

void Recorder::wait_until_caught_up() {
    wait("caught_up", [&] { return caught_up_ > 0; });
}

void Recorder::wait_until_behind(const Position& position) {
    wait("a position", [&] {
        const Order order = compare(newest_, position);
        return order == Order::after || order == Order::equal;
    });
}

void Recorder::wait_until_ended() {
    wait("the end", [&] { return ended_.has_value(); });
}

std::vector<Event> Recorder::events() const {
    const std::scoped_lock lock(mutex_);
    return events_;
}

std::vector<Event> Recorder::ephemeral() const {
    const std::scoped_lock lock(mutex_);
    return ephemeral_;
}

std::uint64_t Recorder::dropped() const {
    const std::scoped_lock lock(mutex_);
    return dropped_;
}

std::vector<std::string> Recorder::types() const {
    return types_of(events());
}

std::vector<std::string> Recorder::ephemeral_types() const {
    return types_of(ephemeral());
}

std::vector<Position> Recorder::positions() const {
    const std::scoped_lock lock(mutex_);
    return positions_;
}

std::size_t Recorder::checkpoints() const {
    const std::scoped_lock lock(mutex_);
    return checkpoints_;
}

std::optional<Error> Recorder::ended() const {
    const std::scoped_lock lock(mutex_);
    return ended_;
}

std::optional<Position> Recorder::ended_at() const {
    const std::scoped_lock lock(mutex_);
    return ended_at_;
}

std::unique_ptr<Subscription> subscribe(Fixture& fixture, Recorder& recorder, Selection selection,
                                        Start start) {
    Subscribe request;
    request.selection = std::move(selection);
    request.start = std::move(start);
    auto subscription = fixture.store().subscribe(request, recorder);
    REQUIRE(subscription);
    return std::move(*subscription);
}

}  // namespace skald::contract
