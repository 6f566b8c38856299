#include "tests/cli/small_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/glob.h"
#include "tests/cli/small_store_feed.h"
#include "wire/query.h"
#include "wire/record.h"

namespace skald::cli {
namespace {

constexpr std::int64_t kFirstTime = 1'700'000'000'000'000;

Uuid made_id(std::uint64_t number) {
    Uuid id;
    id.bytes[0] = 0x80;
    for (std::size_t i = 0; i < 8; ++i) {
        id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return id;
}

}  // namespace

Position SmallStore::position_at(std::uint64_t next) const {
    Position position;
    position.cluster = made_id(1);
    position.partitions.push_back({Partition(0), made_id(2), Epoch(1), Offset(next), 0});
    return position;
}

Receipt SmallStore::receipt_of(const Stored& stored, bool repeated) const {
    return {.stream = stored.stream,
            .version = stored.view.version,
            .partition = Partition(0),
            .offset = stored.view.offset,
            .id = stored.view.id,
            .position = position_at(stored.view.offset.value + 1),
            .repeated = repeated,
            .durability = Ack::quorum};
}

const SmallStore::Stored& SmallStore::store(const std::string& stream, const NewEvent& event,
                                            bool control) {
    Stored& stored = log_.emplace_back();
    stored.stream = stream;
    stored.type = event.type;
    wire::append_record(stored.record, event, {});
    const auto record = wire::parse_record(as_bytes(stored.record));
    EventView& view = stored.view;
    view.stream = stored.stream;
    view.type = stored.type;
    view.offset = Offset(log_.size() - 1);
    view.id = event.id.value_or(made_id(1000 + log_.size()));
    view.recorded_at = Time{kFirstTime + static_cast<std::int64_t>(log_.size()) * 1000};
    view.data = record->data;
    view.fields = record->fields;
    view.control = control;
    ids_[view.id] = &stored;
    if (!control) {
        Stream& kept = streams_[stream];
        view.version = kept.info.last ? *kept.info.last + 1 : Version(0);
        kept.events.push_back(&stored);
        kept.info.name = stream;
        kept.info.state = StreamState::active;
        kept.info.last = view.version;
        kept.info.first = std::max(kept.info.truncate_before, kept.events.front()->view.version);
    }
    grown_.notify_all();
    return stored;
}

Result<void> SmallStore::check(const StreamAppend& part) {
    if (const auto named = check_stream_name(part.stream); !named) {
        return named.error();
    }
    const auto found = streams_.find(part.stream);
    const std::int64_t last = found == streams_.end() || !found->second.info.last
                                  ? -1
                                  : static_cast<std::int64_t>(found->second.info.last->value);
    const bool active = found != streams_.end() && found->second.info.state == StreamState::active;
    const Expected expected = part.expected;
    const bool fits = expected.kind() == Expected::Kind::any ||
                      (expected.kind() == Expected::Kind::no_stream && last < 0) ||
                      (expected.kind() == Expected::Kind::stream_exists && active) ||
                      (expected.kind() == Expected::Kind::exact &&
                       last == static_cast<std::int64_t>(expected.version().value));
    if (fits) {
        return {};
    }
    Error error(Errc::wrong_expected_version,
                fmt::format("{}: expected {}, is at {}", part.stream, to_string(expected), last));
    error.conflicts.push_back({part.stream, to_string(expected), last});
    return error;
}

Result<Receipt> SmallStore::append_locked(const Append& request) {
    const Stored* last = nullptr;
    for (const StreamAppend& part : request.streams) {
        if (const auto failure = failures_.find(part.stream); failure != failures_.end()) {
            Error error = failure->second;
            failures_.erase(failure);
            return error;
        }
        for (const NewEvent& event : part.events) {
            if (auto checked = wire::check_event(event); !checked) {
                return checked.error();
            }
            if (request.check_ids && event.id && ids_.contains(*event.id)) {
                return receipt_of(*ids_[*event.id], true);
            }
        }
        if (auto checked = check(part); !checked) {
            return checked.error();
        }
        for (const NewEvent& event : part.events) {
            last = &store(part.stream, event, false);
        }
    }
    return receipt_of(*last, false);
}

Result<Receipt> SmallStore::append(const Append& request) {
    const std::lock_guard lock(mutex_);
    return append_locked(request);
}

void SmallStore::append_async(const Append& request, AppendCallback done) {
    std::vector<std::pair<AppendCallback, Result<Receipt>>> answers;
    {
        const std::lock_guard lock(mutex_);
        held_.emplace_back(std::move(done), append_locked(request));
        if (!hold_ || held_.size() >= 8) {
            answers = std::exchange(held_, {});
        }
    }
    // The last first: whoever wants them in order must see to it.
    for (auto answer = answers.rbegin(); answer != answers.rend(); ++answer) {
        answer->first(std::move(answer->second));
    }
}

void SmallStore::tell_ephemeral(const std::function<void(Feed&)>& tell) {
    const std::lock_guard lock(mutex_);
    for (Feed* feed : feeds_) {
        tell(*feed);
    }
}

Result<Uuid> SmallStore::publish_ephemeral(std::string_view stream, NewEvent event) {
    if (const auto named = check_stream_name(stream); !named) {
        return named.error();
    }
    std::string bytes;
    wire::append_record(bytes, event, {});
    const auto record = wire::parse_record(as_bytes(bytes));
    EventView view;
    view.stream = stream;
    view.type = event.type;
    view.id = event.id.value_or(made_id(9));
    view.recorded_at = Time{kFirstTime};
    view.data = record->data;
    view.fields = record->fields;
    view.ephemeral = true;
    tell_ephemeral([&](Feed& feed) {
        feed.tell([&](SubscriptionHandler& handler) { handler.on_ephemeral(view); });
    });
    return view.id;
}

void SmallStore::wait_until_followed() {
    std::unique_lock lock(mutex_);
    grown_.wait(lock, [this] {
        return std::any_of(feeds_.begin(), feeds_.end(), [](Feed* feed) { return feed->told(); });
    });
}

void SmallStore::drop_ephemeral(std::uint64_t events) {
    tell_ephemeral([&](Feed& feed) {
        feed.tell([&](SubscriptionHandler& handler) { handler.on_dropped(events); });
    });
}

void SmallStore::hold_answers(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_ = hold;
}

void SmallStore::fail_next(std::string stream, Error error) {
    const std::lock_guard lock(mutex_);
    failures_.insert_or_assign(std::move(stream), std::move(error));
}

std::size_t SmallStore::events() const {
    const std::lock_guard lock(mutex_);
    return log_.size();
}

bool SmallStore::visible(const Stored& stored, const Selection& selection) const {
    const EventView& event = stored.view;
    if (!wire::selects(selection, event)) {
        return false;
    }
    const auto stream = streams_.find(event.stream);
    return event.control || (stream->second.info.state == StreamState::active &&
                             event.version >= stream->second.info.truncate_before);
}

Result<Page> SmallStore::read(const Read& request) {
    const std::lock_guard lock(mutex_);
    const Selection& selection = request.selection;
    if (selection.kind == Selection::Kind::stream && !streams_.contains(selection.name)) {
        return Error(Errc::stream_not_found,
                     fmt::format("{}: there is no such stream", selection.name));
    }
    std::vector<const Stored*> all;
    for (const Stored& stored : log_) {
        if (visible(stored, selection)) {
            all.push_back(&stored);
        }
    }
    if (request.backward) {
        std::reverse(all.begin(), all.end());
    }
    const auto before_start = [&](const Stored* stored) {
        const EventView& event = stored->view;
        std::uint64_t at = event.offset.value;
        std::optional<std::uint64_t> from;
        if (const auto* offset = std::get_if<Offset>(&request.start)) {
            from = offset->value;
        } else if (const auto* version = std::get_if<Version>(&request.start)) {
            from = version->value;
            at = event.version.value;
        } else if (const auto* position = std::get_if<Position>(&request.start)) {
            from = position->partitions.empty() ? 0 : position->partitions[0].next.value;
        } else if (const auto* time = std::get_if<AtTime>(&request.start)) {
            return request.backward ? event.recorded_at > time->time
                                    : event.recorded_at < time->time;
        } else if (std::holds_alternative<End>(request.start)) {
            return !request.backward;
        }
        return from && (request.backward ? at > *from : at < *from);
    };
    const auto begin = std::find_if_not(all.begin(), all.end(), before_start);
    Page page;
    for (auto at = begin; at != all.end() && page.events.size() < request.limit; ++at) {
        page.events.push_back((*at)->view);
    }
    page.end = static_cast<std::size_t>(all.end() - begin) == page.events.size();
    if (!page.events.empty()) {
        const std::uint64_t last = page.events.back().offset.value;
        page.next = position_at(last + 1);
        page.resume = request.backward ? Start(Offset(last - (last > 0 ? 1 : 0))) : page.next;
    }
    return page;
}

Result<std::unique_ptr<Subscription>> SmallStore::subscribe(const Subscribe& request,
                                                            SubscriptionHandler& handler) {
    std::uint64_t from = 0;
    if (std::holds_alternative<End>(request.start)) {
        from = events();
    } else if (const auto* position = std::get_if<Position>(&request.start)) {
        from = position->partitions[0].next.value;
    } else if (const auto* offset = std::get_if<Offset>(&request.start)) {
        from = offset->value;
    }
    return std::unique_ptr<Subscription>(std::make_unique<Feed>(*this, request, from, handler));
}

Result<StreamInfo> SmallStore::stream_info(std::string_view stream) {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(stream);
    StreamInfo none;
    none.name = stream;
    return found == streams_.end() ? none : found->second.info;
}

Result<StreamList> SmallStore::list_streams(std::string_view glob, std::string_view after,
                                            std::uint32_t limit) {
    const std::lock_guard lock(mutex_);
    StreamList list;
    for (auto at = streams_.upper_bound(after); at != streams_.end(); ++at) {
        if (!glob_match(glob, at->first)) {
            continue;
        }
        if (list.streams.size() == std::min(limit, 3U)) {
            list.next = list.streams.back().name;
            break;
        }
        list.streams.push_back(at->second.info);
    }
    return list;
}

Result<Receipt> SmallStore::change_stream(const Lifecycle& request) {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(request.stream);
    if (auto checked = check({request.stream, request.expected, {}}); !checked) {
        return checked.error();
    }
    StreamInfo& info = found->second.info;
    if (const auto* truncate = std::get_if<TruncateStream>(&request.change)) {
        info.truncate_before = truncate->before;
        info.first = truncate->before;
    } else if (const auto* limits = std::get_if<SetLimits>(&request.change)) {
        info.limits = limits->limits;
    } else if (const auto* remove = std::get_if<DeleteStream>(&request.change)) {
        info.state = remove->hard ? StreamState::tombstoned : StreamState::deleted;
    }
    NewEvent control;
    control.type = "$changed";
    control.data = "{}";
    return receipt_of(store(request.stream, control, true), false);
}

Result<Position> SmallStore::position() {
    const std::lock_guard lock(mutex_);
    return position_at(log_.size());
}

}  // namespace skald::cli
