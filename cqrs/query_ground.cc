#include "cqrs/query_ground.h"

#include <fmt/format.h>

#include "cqrs/limits.h"
#include "cqrs/stream_append.h"
#include "wire/query.h"

namespace skald::cqrs {
namespace {

void add_items(Query& to, const Query& from) {
    to.items.insert(to.items.end(), from.items.begin(), from.items.end());
}

std::string command_tag(const Uuid& key) {
    return "command:" + to_string(key);
}

}  // namespace

QueryGround::QueryGround(EventStore& store, Counters& counters, UnknownEvents unknown,
                         const Query& query, std::unique_ptr<AnyState> initial,
                         const Command* command)
    : store_(store),
      counters_(counters),
      unknown_(unknown),
      query_(query),
      state_(std::move(initial)),
      command_(command),
      wide_(query) {
    if (command_ == nullptr) {
        return;
    }
    if (command_->named()) {
        own_.items.push_back({{}, {command_tag(command_->key)}});
    }
    add_items(wide_, own_);
    if (command_->options.fail_if_exists) {
        add_items(wide_, *command_->options.fail_if_exists);
    }
}

Result<void> QueryGround::check() const {
    // What is added must not make a query out of none.
    if (auto ok = wire::check_query(query_); !ok) {
        return ok;
    }
    const std::size_t items = wide_.items.size() - own_.items.size();
    if (items > limits::kBoundaryItemsMax) {
        return Error(Errc::request_too_large,
                     fmt::format("a boundary of {} query items; at most {}", items,
                                 limits::kBoundaryItemsMax));
    }
    return {};
}

Result<void> QueryGround::catch_up() {
    Read read;
    read.selection = Selection::matching(wide_);
    read.limit = limits::kLoadPageEvents;
    for (bool end = false; !end;) {
        read.start = next_;
        auto page = store_.read(read);
        if (!page) {
            return page.error();
        }
        if (page->next.partitions.size() > 1) {
            return Error(Errc::cross_partition, "a decision by query needs a log of one partition");
        }
        for (const EventView& event : page->events) {
            if (auto ok = fold(event); !ok) {
                return ok;
            }
        }
        next_ = page->next;
        end_ = page->next.partitions.empty() ? Offset{} : page->next.partitions.front().next;
        end = page->end;
    }
    return {};
}

Result<void> QueryGround::fold(const EventView& event) {
    if (wire::matches(own_, event)) {
        if (!carried_out_) {
            carried_out_ = {command_->key, event.version, 0};
        }
        ++carried_out_->events;
    } else if (!existing_ && command_ != nullptr && command_->options.fail_if_exists &&
               wire::matches(*command_->options.fail_if_exists, event)) {
        existing_ = event.offset;
    }
    if (!wire::matches(query_, event)) {
        return {};
    }
    ++counters_.events_folded;
    return state_->apply(event, unknown_);
}

Result<std::optional<Receipt>> QueryGround::repeat() {
    if (!carried_out_) {
        return std::optional<Receipt>();
    }
    auto receipt = repeat_of(store_, command_->stream, *carried_out_);
    return receipt ? Result<std::optional<Receipt>>(std::move(*receipt)) : receipt.error();
}

Append QueryGround::append_of(std::vector<NewEvent> events) const {
    for (NewEvent& event : events) {
        for (const QueryItem& item : own_.items) {
            event.tags.insert(event.tags.end(), item.tags.begin(), item.tags.end());
        }
    }
    Append append =
        cqrs::append_of(command_->stream, command_->options.expected.value_or(Expected::any()),
                        command_->key, std::move(events), command_->options);
    append.query = QueryCheck{wide_, end_};
    append.check_ids = true;  // finds it when it is sent again
    return append;
}

// New matches may be decided on; a stream that is not as the caller expects stays so.
bool QueryGround::may_pass(const Error& refusal) const {
    return refusal.code == Errc::check_failed;
}

}  // namespace skald::cqrs
